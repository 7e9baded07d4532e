"""A terminal in a folder of its own for each test, and one server for all that only use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_terminal import Server, Terminal, serving


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(Terminal(folder), folder / "data") as running:
        yield running


@pytest.fixture
def beside(tmp_path: Path, server: Server) -> Terminal:
    """A terminal whose commands find the data folder of `server`."""
    return Terminal(tmp_path, (("GESSO_DATA", str(server.data)),))
