"""The terminal: results go to stdout, everything that is said about them to stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough for a path where there is no terminal to measure: a line that is cut in two cannot be read by a program.
_PLAIN_WIDTH = 160


def output() -> Console:
    return _console(sys.stdout.isatty(), is_stderr=False)


def notices() -> Console:
    return _console(sys.stderr.isatty(), is_stderr=True)


def _console(is_terminal: bool, is_stderr: bool) -> Console:
    return Console(stderr=is_stderr, highlight=False, markup=False, soft_wrap=True, width=None if is_terminal else _PLAIN_WIDTH)


def print_json(content: Any) -> None:
    sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def table(*headings: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def state(word: str, is_good: bool) -> Text:
    return Text(word, style="green" if is_good else "yellow")
