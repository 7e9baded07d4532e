"""Pictures by address: the painter shows them, this server fetches them, and only for its members."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator

import httpx
import numpy as np
import pytest
from browser_people import Owner
from browser_server import LiveServer
from painter_page import Painter, png
from playwright.sync_api import Page, expect
from run_page import HEAL

from gesso.domain.limits import BORROWED_MAX_BYTES

_PICTURE = png(np.full((60, 80, 3), 90, np.uint8))


class _Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another site: a picture under a wrong type, a page that says it is a picture, and something without an end."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html" if self.path.startswith("/meadow") else "image/png")
        self.end_headers()
        if self.path.startswith("/meadow"):
            self.wfile.write(_PICTURE)
        elif self.path == "/page.png":
            self.wfile.write(b"<html><script>alert(1)</script>")
        else:
            self._pour()

    def _pour(self) -> None:
        try:
            for _ in range(BORROWED_MAX_BYTES // 2**20 + 8):
                self.wfile.write(_PICTURE[:16] + bytes(2**20))
        except ConnectionError:
            return

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listener.server_port}"
    listener.shutdown()
    listener.server_close()


def _ask(server: LiveServer, owner: Owner | None, url: str, **headers: str) -> httpx.Response:
    cookies = {"gesso_session": owner.token} if owner else {}
    return httpx.get(f"{server.url}/borrowed", params={"url": url}, cookies=cookies, headers=headers, trust_env=False, timeout=30)


def test_an_address_becomes_the_picture(new_page: Callable[..., Page], server: LiveServer, owner: Owner, elsewhere: str) -> None:
    page = new_page(owner, allowed=(400,))
    page.goto(HEAL)
    address = page.get_by_role("textbox", name="Address of a picture")
    address.fill(f"{elsewhere}/page.png")
    address.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="something else than a picture")).to_be_visible()
    address.fill(f"{elsewhere}/meadow.png?secret=1")
    address.press("Enter")
    painter = Painter(page)
    painter.until("editor.picture")
    assert painter.call("[editor.picture.name, editor.picture.type, editor.size.width]") == ["meadow.png", "image/png", 80]


def test_only_members_and_only_pages_of_this_server(server: LiveServer, owner: Owner, elsewhere: str) -> None:
    assert _ask(server, None, f"{elsewhere}/meadow.png").status_code == 401
    assert _ask(server, owner, f"{elsewhere}/meadow.png", **{"sec-fetch-site": "cross-site"}).status_code == 403
    answer = _ask(server, owner, f"{elsewhere}/meadow.png")
    assert answer.content == _PICTURE
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("url", ["http://10.0.0.1/a.png", "http://169.254.169.254/latest", "file:///etc/passwd", "", "http://[::1]:1/"])
def test_addresses_inside_are_not_fetched(server: LiveServer, owner: Owner, url: str) -> None:
    answer = _ask(server, owner, url)
    assert answer.status_code == 400
    assert "could not be fetched" in answer.text


def test_what_has_no_end_is_cut_off(server: LiveServer, owner: Owner, elsewhere: str) -> None:
    answer = _ask(server, owner, f"{elsewhere}/endless.png?token=hidden")
    assert answer.status_code == 400
    assert "larger than 48 MB" in answer.text
    assert "hidden" not in answer.text
