"""`gesso bench`: runs the measurements of a checkout."""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

from gesso.cli.refused import Refused
from gesso.cli.screen import output, table

_FOLDER = Path(__file__).parents[3] / "bench"
_USUAL = "cycle"


def bench(arguments: list[str]) -> None:
    """Run the measurement that the first argument names, or the usual one; "list" shows all.

    Errors: Refused when gesso was installed without its repository.
    """
    if not (_FOLDER / f"{_USUAL}.py").is_file():
        raise Refused("The measurements are part of the repository: clone it, and run `make bench` there.")
    if arguments[:1] == ["list"]:
        _list()
        return
    name = arguments[0] if arguments and arguments[0] in _measurements() else _USUAL
    script = _FOLDER / f"{name}.py"
    sys.argv = [str(script), *(arguments[1:] if arguments[:1] == [name] else arguments)]
    # As `python bench/NAME.py` would: scripts import their neighbours.
    sys.path.insert(0, str(_FOLDER))
    runpy.run_path(str(script), run_name="__main__")


def _measurements() -> dict[str, str]:
    """The scripts that measure something, not what they share, by name: the first sentence that each says of itself."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.py"))}
    said = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in texts.items() if '__name__ == "__main__"' in text}
    return {name: " ".join(words.split()).partition(":")[0] for name, words in said.items()}


def _list() -> None:
    rows = table("name", "what it measures")
    for name, words in _measurements().items():
        rows.add_row(name, words)
    output().print(rows, soft_wrap=False)
