"""A hub of models on this machine, over real HTTP: listings in pages, redirects to a store of bytes, ranges, and faults on demand."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "c0ffee" * 6 + "abcd"
_LARGE_BYTES = 1000


@dataclass
class LoopbackHub:
    """`files`: by path. `cut_after`: by path, after how many bytes of an answer the connection is dropped, for each answer in turn.
    `spoilt`: paths whose bytes come wrong so many times. `listed`: entries of the listing that are no files of it. `token`: asked for."""

    name: str
    files: dict[str, bytes]
    url: str = ""
    cut_after: dict[str, list[int]] = field(default_factory=dict)
    spoilt: dict[str, int] = field(default_factory=dict)
    listed: list[dict[str, Any]] = field(default_factory=list)
    token: str = ""
    has_ranges: bool = True
    requests: list[tuple[str, str]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def entries(self) -> list[dict[str, Any]]:
        return [{"type": "directory", "path": "vae", "oid": "0", "size": 0}, *map(self._entry, self.files), *self.listed]

    def _entry(self, path: str) -> dict[str, Any]:
        content = self.files[path]
        if len(content) < _LARGE_BYTES:
            return {
                "type": "file",
                "path": path,
                "size": len(content),
                "oid": hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest(),
            }
        pointer = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 134}
        return {"type": "file", "path": path, "size": len(content), "oid": "of the pointer", "lfs": pointer}


class _Handler(BaseHTTPRequestHandler):
    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        hub, (path, _, query) = self.hub, self.path.partition("?")
        hub.requests.append((path, self.headers.get("Range", "")))
        hub.told.append(f"{path.split('/')[1]}: {self.headers.get('Authorization', '')}")
        if path.startswith("/store/"):
            self._bytes(path.removeprefix("/store/"))
        elif path == f"/api/models/{hub.name}/revision/main":
            self._json({"sha": COMMIT})
        elif path == f"/api/models/{hub.name}/tree/{COMMIT}":
            entries = hub.entries()
            first, second = entries[: len(entries) // 2], entries[len(entries) // 2 :]
            is_second = "cursor" in query
            self._json(
                second if is_second else first, {} if is_second else {"Link": f'<{hub.url}{path}?recursive=true&cursor=2>; rel="next"'}
            )
        elif path.startswith(f"/{hub.name}/resolve/{COMMIT}/"):
            if hub.token and self.headers.get("Authorization") != f"Bearer {hub.token}":
                self._json({"error": "gated"}, {"X-Error-Code": "GatedRepo"}, 401)
            else:
                # As the hub does: the bytes are on another host, which must not hear the token.
                other = hub.url.replace("127.0.0.1", "localhost")
                self._answer(302, b"", {"Location": f"{other}/store/{path.split(COMMIT + '/', 1)[1]}"})
        else:
            self._json({"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"}, 404)

    def _bytes(self, path: str) -> None:
        hub, first = self.hub, 0
        content = hub.files[path]
        asked = self.headers.get("Range", "")
        if asked and hub.has_ranges:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
        if hub.spoilt.get(path, 0) > 0:
            hub.spoilt[path] -= 1
            content = content[:-1] + bytes([content[-1] ^ 1])
        body = content[first:]
        cuts = hub.cut_after.get(path, [])
        kept = cuts.pop(0) if cuts else len(body)
        headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"} if first else {}
        self._answer(206 if first else 200, body[:kept], headers, promised=len(body))
        self.close_connection = self.close_connection or kept < len(body)

    def _json(self, body: Any, headers: Mapping[str, str] = {}, status: int = 200) -> None:
        self._answer(status, json.dumps(body).encode(), headers)

    def _answer(self, status: int, body: bytes, headers: Mapping[str, str], promised: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if promised is None else promised))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving_hub(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
