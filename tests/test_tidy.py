"""The house style that a machine can check: sizes, names, docstrings, nothing left over."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FUNCTION_MAX_LINES = 70
MODULE_MAX_LINES = 600
MODULE_ALARM_LINES = 400
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "shared"}
# Modules over the alarm, each with the reason why it stays whole.
EXPLAINED: dict[str, str] = {}
# Letters are classes, so that this file does not find itself.
LEFTOVER = re.compile(r"\b(T[O]DO|FIX[M]E|X[X]X|HA[C]K)\b")
TEXT_SUFFIXES = {".py", ".md", ".toml", ".sh", ".html", ".css", ".js", ".txt", ".yml", ".yaml", ""}


def _python(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


SOURCES = _python("src/gesso")
TESTS = _python("tests")
OTHERS = [path for folder in ("bench", "demo", "examples", "scripts", "docs") for path in _python(folder)]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES + TESTS + OTHERS, ids=_name)
def test_names_sizes_and_docstrings(path: Path) -> None:
    assert path.stem not in BANNED_NAMES, "a drawer for everything has no owner: name the file after what it holds"
    text = path.read_text("utf-8")
    lines = text.count("\n")
    assert lines <= MODULE_MAX_LINES, f"{lines} lines: split it by noun"
    if path in SOURCES:
        assert lines <= MODULE_ALARM_LINES or _name(path) in EXPLAINED, f"{lines} lines: split it, or explain it in EXPLAINED"
    tree = ast.parse(text)
    if text.strip():
        assert ast.get_docstring(tree), "a module says what it owns"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_MAX_LINES, f"{node.name} has {length} lines"


def test_every_test_module_has_a_name_of_its_own() -> None:
    """pytest imports test modules by their bare names, so of two with the same name it can only load one."""
    names = Counter(path.name for path in TESTS if path.name not in ("__init__.py", "conftest.py"))
    assert not [name for name, count in names.items() if count > 1]


def _texts() -> list[Path]:
    folders = ("src", "tests", "docs", "bench", "demo", "examples", ".ci")
    found = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return [path for path in [*found, *ROOT.glob("*.md"), ROOT / "Makefile", ROOT / "pyproject.toml"] if path.suffix in TEXT_SUFFIXES]


def test_nothing_is_left_to_be_done_in_a_comment() -> None:
    left = [f"{_name(path)}:{number}" for path in _texts() for number, line in enumerate(_lines(path), 1) if LEFTOVER.search(line)]
    assert not left, left


def test_texts_end_with_a_newline_and_have_no_trailing_spaces_or_tabs() -> None:
    wrong = []
    for path in _texts():
        text = path.read_text("utf-8")
        if text and not text.endswith("\n"):
            wrong.append(f"{_name(path)}: no newline at its end")
        wrong += [f"{_name(path)}:{number}" for number, line in enumerate(text.splitlines(), 1) if line != line.rstrip()]
    assert not wrong, wrong


def test_every_module_is_imported_or_named_somewhere() -> None:
    """A module that nothing names is dead."""
    everything = "\n".join(path.read_text("utf-8") for path in [*SOURCES, *TESTS, ROOT / "pyproject.toml"])
    dead = []
    for path in SOURCES:
        parts = path.relative_to(ROOT / "src").with_suffix("").parts
        if parts[-1] in ("__init__", "__main__") or "migrations" in parts:
            continue
        dotted = ".".join(parts)
        parent, name = ".".join(parts[:-1]), parts[-1]
        if dotted not in everything and not re.search(rf"from {re.escape(parent)} import [^\n]*\b{name}\b", everything):
            dead.append(dotted)
    assert not dead, dead


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()
