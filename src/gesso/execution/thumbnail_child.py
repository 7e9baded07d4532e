"""The process that makes small pictures: it reads orders from its standard input, one JSON line each, and answers each with a line.

It takes no more memory, time and disk than it is given, holds no connection and no secret, and ends with its input.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import warnings
from pathlib import Path

from gesso.domain.limits import MIB, THUMBNAIL_MAX_PIXELS, THUMBNAIL_MEMORY_BYTES
from gesso.models.thumbnail import NoPicture, thumbnail

DONE, REFUSED = "done", "refused"
_LIMITS = (
    (resource.RLIMIT_AS, THUMBNAIL_MEMORY_BYTES),
    (resource.RLIMIT_FSIZE, 4 * MIB),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 32),
)


def main() -> None:
    warnings.simplefilter("ignore")
    for kind, most in _LIMITS:
        _, hard = resource.getrlimit(kind)
        resource.setrlimit(kind, (most, most) if hard == resource.RLIM_INFINITY else (min(most, hard), min(most, hard)))
    # A list of pictures may wait; a run may not.
    os.nice(10)
    for line in sys.stdin:
        order = json.loads(line)
        sys.stdout.write(f"{_carry_out(Path(order['source']), Path(order['target']), int(order['side']))}\n")
        sys.stdout.flush()


def _carry_out(source: Path, target: Path, side: int) -> str:
    try:
        content = thumbnail(source, side, THUMBNAIL_MAX_PIXELS)
        unfinished = target.with_suffix(".part")
        unfinished.write_bytes(content)
        unfinished.rename(target)
    except (NoPicture, OSError):
        return REFUSED
    return DONE


if __name__ == "__main__":
    main()
