"""A LoRA's file, looked at before anything of it is loaded: is it safetensors, is it whole, is it as small as it says.

Only the header is read. A pickled file is refused unread: loading one runs the code that is in it. Source: safetensors format: 8 bytes
length of the header (little endian), the header in JSON, then the tensors' bytes without gaps.
"""

from __future__ import annotations

import json
import math
from typing import Any

from gesso.models.contract import InputError, InputFile

_MOST_HEADER_BYTES = 8 * 2**20
_MOST_TENSORS = 20_000
_BYTES_OF = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
# A ZIP, and the first bytes of pickles: torch writes its files as one or the other.
_PICKLED = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def check_lora(file: InputFile) -> dict[str, str]:
    """The metadata that a whole safetensors file brings along. Errors: InputError."""
    size_bytes = file.path.stat().st_size
    with file.path.open("rb") as opened:
        start = opened.read(9)
        header_bytes = int.from_bytes(start[:8], "little")
        if start[8:] != b"{" or header_bytes > _MOST_HEADER_BYTES:
            if start.startswith(_PICKLED):
                raise InputError(
                    f"The LoRA {file.name!r} is a pickled file, and loading one would run the code in it: save it as .safetensors."
                )
            raise InputError(f"The LoRA {file.name!r} is no safetensors file.")
        if header_bytes > size_bytes - 8:
            raise _cut_short(file)
        opened.seek(8)
        try:
            header = json.loads(opened.read(header_bytes))
        except (ValueError, RecursionError) as error:
            raise _damaged(file) from error
    if not isinstance(header, dict):
        raise _damaged(file)
    metadata = header.pop("__metadata__", {})
    if not header:
        raise InputError(f"The LoRA {file.name!r} is empty.")
    if len(header) > _MOST_TENSORS:
        raise InputError(f"The LoRA {file.name!r} has {len(header)} tensors: {_MOST_TENSORS} are the most.")
    end = _checked_end(file, header)
    if end > size_bytes - 8 - header_bytes:
        raise _cut_short(file)
    return {name: value for name, value in metadata.items() if isinstance(value, str)} if isinstance(metadata, dict) else {}


def _checked_end(file: InputFile, header: dict[str, Any]) -> int:
    """Where the last tensor ends, counted from the header's end; all lie side by side."""
    spans = []
    for name, entry in header.items():
        try:
            kind, shape, (start, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
            are_numbers = all(type(number) is int and number >= 0 for number in (*shape, start, end))
        except (KeyError, TypeError, ValueError) as error:
            raise _damaged(file) from error
        if kind not in _BYTES_OF:
            raise InputError(f"The LoRA {file.name!r} stores its tensor {name[:200]} as {kind}: 16 or 32 bits of floating point are taken.")
        if not are_numbers or end - start != math.prod(shape) * _BYTES_OF[kind]:
            raise _damaged(file)
        spans.append((start, end))
    spans.sort()
    if any(start != before for (start, _), (_, before) in zip(spans, [(0, 0), *spans], strict=False)):
        raise _damaged(file)
    return spans[-1][1]


def _cut_short(file: InputFile) -> InputError:
    return InputError(f"The LoRA {file.name!r} is cut short: send the whole file.")


def _damaged(file: InputFile) -> InputError:
    return InputError(f"The LoRA {file.name!r} is damaged: its header does not describe it.")
