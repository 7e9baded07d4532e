"""One live server for all tests of the dialect: starting one takes longer than most of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from wiro_server import LiveServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("data"))
    live.start()
    yield live
    live.stop()


@pytest.fixture
def client(server: LiveServer) -> Iterator[httpx.Client]:
    """A client of a project that needs no signature."""
    with server.client(server.key) as made:
        yield made


@pytest.fixture(scope="session")
def stopping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with a public origin that takes no more runs."""
    live = LiveServer(tmp_path_factory.mktemp("stopping"), public_url="https://gesso.example/")
    live.start()
    live.drain()
    yield live
    live.stop()
