"""The fences of the house: which package may be named where, no cycle, no import hidden in a function.

Layers are contracts of import-linter in pyproject.toml. Here stands what those cannot say.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "gesso"

# Where each foreign package may be imported, as prefixes of our module names without "gesso.".
FENCES = {
    ("torch", "torchao", "diffusers", "transformers", "accelerate", "peft", "safetensors"): ("models.",),
    ("PIL", "cv2", "numpy", "isal"): ("models.",),
    ("starlette", "python_multipart", "multipart"): ("api.", "web.", "wiring"),
    ("uvicorn", "uvloop", "httptools"): ("serving",),
    # cli.storage names their errors, to make sentences of them; cli.doctor tells the version of SQLite.
    ("sqlalchemy", "alembic", "psycopg", "sqlite3"): ("store.", "cli.storage", "cli.doctor"),
    ("subprocess", "multiprocessing"): ("execution.",),
    ("httpx", "httpcore"): ("store.fetch", "delivery.webhooks", "cli."),
    ("websockets",): ("cli.",),
    ("typer", "rich"): ("cli.",),
    ("pydantic", "pydantic_settings"): ("config", "cli."),
    ("cryptography",): ("store.vault", "cli.storage"),
    ("argon2",): ("services.passwords",),
    ("jinja2", "markupsafe", "segno"): ("web.",),
    ("markdown_it", "nh3"): ("web.", "services.readme"),
    ("prometheus_client",): ("observe", "api."),
}
# Of our own, what a served model may import besides its folder.
OPEN_TO_MODELS = ("gesso.models.contract", "gesso.models.environment", "gesso.models.pictures", "gesso.domain", "gesso.sdk")
# A small model of another one's architecture is served by its machinery.
BUILT_ON = {"gesso.models.shapes_fill": "gesso.models.flux_fill"}
HEAVY = {"torch", "torchao", "diffusers", "transformers", "accelerate", "peft"}
# Alembic takes as long to import as all the rest, and is needed once.
LAZY_IN_WIRING = {"gesso.store.migrate"}
# Tables and groups of commands are described by calls that register them, and Alembic runs its environment by importing it.
RUN_AT_IMPORT = ("cli.app", "__main__", "store.schema", "store.migrations.env")
DOMAIN_IS_FREE_OF = {"asyncio", "logging", "os", "shutil", "socket", "structlog", "tempfile", "threading", "time"}


@dataclass(frozen=True)
class Import:
    """One import: by which of our modules, of what, and in which depth it stands."""

    module: str
    target: str
    line: int
    is_in_function: bool
    is_for_types: bool

    @property
    def package(self) -> str:
        return self.target.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.module}:{self.line} imports {self.target}"


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package, by its name without "gesso."; a package by its own name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"), str(path))
    return found


def _walk(module: str, nodes: list[ast.stmt], in_function: bool, for_types: bool) -> Iterator[Import]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, node.lineno, in_function, for_types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute"
            yield from (Import(module, _target(node.module or "", alias.name), node.lineno, in_function, for_types) for alias in node.names)
        else:
            deeper = in_function or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            typed = for_types or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
            for name in ("body", "orelse", "finalbody"):
                yield from _walk(module, getattr(node, name, []), deeper, typed)
            for case in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
                yield from _walk(module, case.body, deeper, typed)


def _target(module: str, name: str) -> str:
    """What `from module import name` depends on: the submodule if `name` is one of ours, else the module."""
    full = f"{module}.{name}"
    return full if full.removeprefix("gesso.") in modules() else module


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for name, tree in modules().items() for found in _walk(name, tree.body, False, False))


def test_the_package_is_there() -> None:
    assert len(modules()) > 40
    assert len(imports()) > 200


@pytest.mark.parametrize(("packages", "allowed"), FENCES.items(), ids=lambda each: each[0])
def test_foreign_packages_stay_behind_their_fence(packages: tuple[str, ...], allowed: tuple[str, ...]) -> None:
    strays = [str(each) for each in imports() if each.package in packages and not f"{each.module}.".startswith(allowed)]
    assert not strays, strays


def test_every_foreign_package_has_a_fence_or_is_free() -> None:
    free = {"gesso", "orjson", "structlog"} | set(sys.stdlib_module_names)
    fenced = {package for packages in FENCES for package in packages}
    unknown = sorted({f"{each.package} in {each.module}" for each in imports() if each.package not in free | fenced})
    assert not unknown, f"say in FENCES where these may be imported: {unknown}"


def test_no_import_hides_in_a_function() -> None:
    hidden = [each for each in imports() if each.is_in_function]
    strays = [
        str(each)
        for each in hidden
        if not (
            each.module.startswith("cli")
            or (each.module.startswith("models.") and each.package in HEAVY)
            or (each.module == "wiring" and each.target in LAZY_IN_WIRING)
        )
    ]
    assert not strays, strays


def test_heavy_packages_are_imported_in_functions_or_by_what_an_engine_imports() -> None:
    """A declaration is read by the server, so nothing that it imports may import torch at its top."""
    eager = {each.module for each in imports() if each.package in HEAVY and not each.is_in_function and not each.is_for_types}
    reached, waiting = set(), {name for name in modules() if name.endswith(".model") or name in ("models.registry", "serving", "cli.app")}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        for each in imports():
            if each.module == name and each.package == "gesso" and not each.is_for_types and not each.is_in_function:
                target = each.target.removeprefix("gesso.")
                waiting |= {target} - reached
    assert not eager & reached, sorted(eager & reached)


def test_no_module_imports_itself_through_others() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in imports():
        if each.package == "gesso" and each.target != "gesso" and not each.is_for_types:
            graph[each.module].add(each.target.removeprefix("gesso."))
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a cycle of imports: {' -> '.join(error.args[1])}")


def test_a_dialect_does_not_import_another() -> None:
    dialects = {path.name for path in (SOURCE / "api").iterdir() if (path / "__init__.py").is_file()}
    strays = []
    for each in imports():
        home = each.module.split(".")[1] if each.module.startswith("api.") else ""
        parts = each.target.split(".")
        if home in dialects and parts[:2] == ["gesso", "api"] and len(parts) > 2 and parts[2] in dialects - {home}:
            strays.append(str(each))
    assert not strays, strays


def test_a_served_model_sees_its_contract_and_its_own_folder_only() -> None:
    strays = []
    for each in imports():
        parts = each.module.split(".")
        if parts[0] != "models" or not (SOURCE / "models" / parts[-2 if len(parts) > 2 else -1]).is_dir() or len(parts) < 2:
            continue
        own = f"gesso.models.{parts[1]}"
        if each.package == "gesso" and not each.target.startswith((own, BUILT_ON.get(own, own), *OPEN_TO_MODELS)):
            strays.append(str(each))
    assert not strays, strays


def test_the_domain_has_no_disk_no_clock_no_log_and_waits_for_nothing() -> None:
    strays = [str(each) for each in imports() if each.module.startswith("domain") and each.package in DOMAIN_IS_FREE_OF]
    waiting = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if name.startswith("domain")
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await)
    ]
    assert not strays + waiting


def test_the_environment_is_read_in_config_only() -> None:
    strays = [
        f"{name}:{node.lineno}"
        for name, tree in modules().items()
        if name != "config"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "environb", "putenv")
    ]
    assert not strays, strays


def test_nothing_runs_at_import() -> None:
    """At the top of a module stand definitions; a call may only make a value."""
    strays = []
    for name, tree in modules().items():
        for node in tree.body:
            is_call = isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
            if (is_call or isinstance(node, ast.For | ast.While | ast.With | ast.Try)) and name not in RUN_AT_IMPORT:
                strays.append(f"{name}:{node.lineno}")
    assert not strays, strays


def test_wire_words_stay_in_their_dialect() -> None:
    words = {"tasktoken", "pexit", "socketaccesstoken", "debugerror", "tasklist", "cps"}
    strays = [
        f"{name}:{node.lineno} {node.value}"
        for name, tree in modules().items()
        if not name.startswith(("api.wiro", "cli", "web"))
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in words
    ]
    assert not strays, strays
