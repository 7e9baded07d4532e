"""Every requirement is proved by a test, and every test of the dialect proves a requirement."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from requirements import BY_ID


def _proofs() -> tuple[dict[str, list[str]], list[str]]:
    """Tests by requirement, and tests without one. Read from the sources, so that it holds when only some tests run."""
    proved: dict[str, list[str]] = defaultdict(list)
    idle: list[str] = []
    for path in sorted(Path(__file__).parent.glob("test_wiro_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            named = [
                argument.value
                for decorator in node.decorator_list
                if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "proves"
                for argument in decorator.args
                if isinstance(argument, ast.Constant)
            ]
            for one in named:
                proved[one].append(node.name)
            if not named:
                idle.append(f"{path.name}: {node.name}")
    return proved, idle


def test_every_requirement_is_proved() -> None:
    proved, _ = _proofs()
    assert not sorted(BY_ID.keys() - proved.keys())


def test_every_test_proves_a_known_requirement() -> None:
    proved, idle = _proofs()
    assert not idle
    assert not sorted(proved.keys() - BY_ID.keys())
