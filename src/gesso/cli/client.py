"""A client of gesso's own API, as `gesso run` and the demo need it: run, follow, kill, fetch."""

from __future__ import annotations

import ipaddress
import json
import mimetypes
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from gesso.domain.project import signature

_TIMEOUT = httpx.Timeout(60, connect=5)
_SOCKET_TIMEOUT_S = 5
_SOCKET_SILENCE_S = 15
_FRAME_MAX_BYTES = 32 * 2**20
_POLL_S = 0.5
_GONE_MAX_S = 60
_ENDS = ("task_postprocess_end", "task_cancel")


class Refusal(Exception):
    """The server said no; the text is its message."""


class Unauthorized(Refusal):
    """The key, or its signature, is not accepted."""


class Unreachable(Exception):
    """No server answers at this address."""


@dataclass(frozen=True, slots=True)
class Submitted:
    id: str
    token: str


class Api:
    """`url`: the server's origin, with or without /v1. `secret`: signs every request; without it the key goes alone."""

    def __init__(self, url: str, key: str = "", secret: str = "") -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        self._key = key
        self._secret = secret
        # A proxy of the environment is for the world outside, and cannot reach this machine's own addresses.
        self._is_local = _is_loopback(urlsplit(self.url).hostname or "")
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=not self._is_local)

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def describe(self, owner: str, slug: str) -> dict[str, Any]:
        """The model with its parameters. Errors: Refusal when there is none, Unreachable."""
        return self._post("Tool/Detail", {"slugowner": owner, "slugproject": slug})["tool"][0]

    def models(self) -> list[str]:
        """The names of all models. Errors: Refusal, Unreachable."""
        listed = self._post("Tool/List", {"start": "0", "limit": "1000", "summary": True})["tool"]
        return [f"{tool['slugowner']}/{tool['slugproject']}" for tool in listed]

    def is_known(self) -> bool:
        """Whether the server accepts the key. Errors: Unreachable."""
        try:
            self._post("Task/Detail", {"taskid": "0"})
        except Unauthorized:
            return False
        except Refusal:
            return True
        return True

    def submit(self, owner: str, slug: str, fields: Sequence[tuple[str, str]], files: Sequence[tuple[str, Path]]) -> Submitted:
        """Errors: Refusal, Unreachable, OSError for a file that cannot be read."""
        values: dict[str, list[str]] = {}
        for name, value in fields:
            values.setdefault(name, []).append(value)
        with ExitStack() as stack:
            parts = [
                (name, (path.name, stack.enter_context(path.open("rb")), mimetypes.guess_type(path.name)[0] or "application/octet-stream"))
                for name, path in files
            ]
            answer = self._send("POST", f"Run/{quote(owner, safe='')}/{quote(slug, safe='')}", data=values, files=parts)
        return Submitted(answer["taskid"], answer["socketaccesstoken"])

    def detail(self, task: Submitted) -> dict[str, Any]:
        """The task's record. Errors: Refusal, Unreachable."""
        return self._post("Task/Detail", {"tasktoken": task.token})["tasklist"][0]

    def kill(self, task: Submitted) -> None:
        """Errors: Refusal when it has ended, Unreachable."""
        self._post("Task/Kill", {"tasktoken": task.token})

    def follow(self, task: Submitted) -> Iterator[dict[str, Any]]:
        """What happens to the task until it ends: the socket's frames, or where there is no socket, its states by asking again and again.

        Errors: Unreachable when the server stays away.
        """
        try:
            yield from self._listen(task)
        except (OSError, WebSocketException):
            yield from self._poll(task)

    def fetch(self, url: str) -> Iterator[bytes]:
        """The bytes of an output. Errors: Refusal, Unreachable."""
        try:
            with self._http.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise Refusal(f"{url} answers with HTTP {answer.status_code}")
                yield from answer.iter_bytes()
        except httpx.HTTPError as error:
            raise Unreachable(str(error)) from error

    def _listen(self, task: Submitted) -> Iterator[dict[str, Any]]:
        address = f"{self.url.replace('http', 'ws', 1)}/v1"
        with connect(
            address, open_timeout=_SOCKET_TIMEOUT_S, max_size=_FRAME_MAX_BYTES, compression=None, proxy=None if self._is_local else True
        ) as socket:
            socket.send(json.dumps({"type": "task_info", "tasktoken": task.token}))
            while True:
                try:
                    frame = json.loads(socket.recv(timeout=_SOCKET_SILENCE_S))
                except TimeoutError:
                    # Long silence is normal for a slow model; a task that ended without a word is not.
                    if self.detail(task)["status"] in _ENDS:
                        return
                    continue
                if frame.get("tasktoken") == task.token:
                    yield frame
                    if frame["type"] in _ENDS:
                        return

    def _poll(self, task: Submitted) -> Iterator[dict[str, Any]]:
        last, answered_at = "", time.monotonic()
        while last not in _ENDS:
            try:
                status = self.detail(task)["status"]
            except (Unreachable, Refusal):
                # It may be starting again: its tasks outlive it.
                if time.monotonic() - answered_at > _GONE_MAX_S:
                    raise
                time.sleep(_POLL_S)
                continue
            answered_at = time.monotonic()
            if status != last:
                yield {"type": status, "message": None}
                last = status
            if last not in _ENDS:
                time.sleep(_POLL_S)

    def _post(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        return self._send("POST", path, json=content)

    def _send(self, method: str, path: str, **content: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, f"{self.url}/v1/{path}", headers=self._proof(), **content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unreachable(f"{self.url} does not answer: {error}") from error
        try:
            body = answer.json()
            message = "; ".join(each["message"] for each in body["errors"])
        except (ValueError, KeyError, TypeError):
            raise Unreachable(f"{self.url} is no gesso server: it answers HTTP {answer.status_code} without JSON") from None
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise Unauthorized(message)
        if not body.get("result"):
            raise Refusal(message or f"HTTP {answer.status_code}")
        return body

    def _proof(self) -> dict[str, str]:
        if not self._key:
            return {}
        if not self._secret:
            return {"x-api-key": self._key}
        nonce = str(time.time_ns())
        return {"x-api-key": self._key, "x-nonce": nonce, "x-signature": signature(self._key, self._secret, nonce)}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
