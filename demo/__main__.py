"""The demo: starts a server of its own, has pictures made through the API, and writes them into out/.

Two masts are taken out of a photograph by gesso/heal, and gesso/shapes-fill paints three pictures into the frames of a wall.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from booth import Work, carry_out, compare, console, create_project, serve
from frames import MODEL, draw_wall, paintings
from gesso.cli.client import Api, Refusal, Unreachable
from gesso.models import registry
from masts import draw_masts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures (default: out)")
    out: Path = parser.parse_args().out
    began = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    masts = draw_masts(out)
    wall, white = draw_wall(out)
    painter = next(model for model in registry.BUILT_IN if model.name == MODEL).readiness(Path())
    with tempfile.TemporaryDirectory(prefix="gesso-demo-") as data, serve(Path(data)) as url:
        console.print(f"A server runs at {url}, with its data in a temporary folder.")
        project = create_project(Path(data))
        with Api(url, project["apikey"], project["apisecret"]) as api:
            changed = carry_out(api, masts)
            painted = wall
            if painter.is_ready:
                for painting in paintings(out):
                    changed += carry_out(api, painting)
                    painted = painting.after
            else:
                console.print(f"{MODEL} was left out. {painter.reason}\n")
    made = [(masts.before, "a photograph"), (masts.after, "without its masts"), (compare(masts, out / "before-after.jpg"), "both")]
    if painted != wall:
        both = compare(Work(MODEL, wall, white, painted), out / "wall-before-after.jpg")
        made += [(wall, "a wall with empty frames"), (painted, "with its pictures"), (both, "both")]
    console.print(f"The demo took {time.monotonic() - began:.1f} s in all. Its pictures:\n")
    for path, words in made:
        console.print(f"  {path!s:<26} {words}")
    console.print("\nNext: `make run` serves for real, and in another terminal:\n")
    console.print(f"  .venv/bin/gesso run gesso/heal inputImage=@{masts.before} inputImageMask=@{masts.mask} --out {out}")
    return 0 if changed == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (Refusal, Unreachable) as error:
        sys.exit(f"demo: {error}")
