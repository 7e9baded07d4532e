"""The wheel has all that pages are made of, and serves them where no tool for building scripts is installed. Checks 10 and 11 of the pages'
specification."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from hatchling.builders.wheel import WheelBuilder

sys.path.append(str(Path(__file__).parents[1] / "cli"))

from cli_terminal import Terminal, serving

ROOT = Path(__file__).parents[2]
WEB = ROOT / "src" / "gesso" / "web"
_FILE_MAX_BYTES = 200_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("dist")))))


def test_the_wheel_has_every_file_of_the_pages_and_none_is_large(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        assert len(sizes) == len(archive.infolist()), "a file is in it twice"
    for folder in ("templates", "static"):
        wanted = {path.relative_to(ROOT / "src").as_posix() for path in (WEB / folder).rglob("*") if path.is_file()}
        assert wanted
        assert wanted <= sizes.keys()
        assert max(sizes[name] for name in wanted) <= _FILE_MAX_BYTES
    assert {f"gesso/web/documents/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= sizes.keys()


def test_pages_are_served_from_the_wheel_without_any_tool_for_scripts(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    terminal = Terminal(tmp_path, (("PYTHONPATH", str(site)), ("PATH", str(tmp_path))))
    with serving(terminal, tmp_path / "data") as server, httpx.Client(base_url=server.url) as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "<h1" in page.text
        addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
        assert len(addresses) > 3
        for address in addresses:
            assert client.get(address).status_code == 200, address
        assert client.get("/docs/api").status_code == 200
