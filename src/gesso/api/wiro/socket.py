"""The WebSocket at the root of the prefix. Source: protocol, section 4.

A client registers tokens; each is answered with the stored history of its task, then with what happens. A token is a capability, so
there is no other proof. The socket outlives its tasks: closing it is the client's affair, and pings are the server's.
"""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import structlog
from starlette.types import Receive, Scope, Send

from gesso.api.dialect import Services
from gesso.api.request import Request
from gesso.api.wiro.decode import event_number
from gesso.api.wiro.encode import Viewer
from gesso.api.wiro.errors import INTERNAL, text_of
from gesso.api.wiro.frames import CONNECTED, Frame, frames, refused
from gesso.api.wiro.owners import Owners
from gesso.domain.errors import GessoError, TaskUnknown
from gesso.domain.limits import SOCKET_MESSAGE_MAX_BYTES, SUBSCRIPTIONS_PER_SOCKET_MAX_COUNT
from gesso.domain.task import Task

log = structlog.get_logger(__name__)

_REGISTER = "task_info"
_TOKEN_KEYS = ("tasktoken", "socketaccesstoken")


async def serve(services: Services, owners: Owners, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one socket until its client goes away."""
    socket = _Socket(services, owners, owners.base(Request(scope, receive)), send)
    # The first message is always the connection itself.
    await receive()
    await send({"type": "websocket.accept"})
    await socket.tell(CONNECTED)
    try:
        while (message := await receive())["type"] != "websocket.disconnect":
            await socket.hear(message.get("text") or message.get("bytes"))
    finally:
        await socket.close()


class _Socket:
    def __init__(self, services: Services, owners: Owners, base: str, send: Send) -> None:
        self._services = services
        self._owners = owners
        self._base = base
        self._send = send
        self._followers: dict[str, asyncio.Task[None]] = {}

    async def tell(self, frame: Frame) -> None:
        try:
            await self._send({"type": "websocket.send", "text": orjson.dumps(frame).decode()})
        except OSError:
            # The client went away while this was on its way. `serve` learns that from its next message, and ends all followers.
            log.debug("a frame came too late")

    async def hear(self, text: str | bytes | None) -> None:
        """Act on one message. What is unreadable, of an unknown type or sound is dropped in silence, as upstream does.

        JSON in a binary frame, as Swift and Python send it where bytes are at hand, is read: sound begins with a token and no brace.
        """
        message = _read(text)
        if message is None or message.get("type") != _REGISTER:
            return
        token = next((given for key in _TOKEN_KEYS if isinstance(given := message.get(key), str) and given), "")
        if not token:
            await self.tell(refused("tasktoken-required"))
        elif token not in self._followers:
            await self._register(token, message.get("since"))

    async def close(self) -> None:
        followers = list(self._followers.values())
        for follower in followers:
            follower.cancel()
        await asyncio.gather(*followers, return_exceptions=True)

    async def _register(self, token: str, since: Any) -> None:
        """`since`: the `seq` of the last frame that a client has read before it was cut."""
        if len(self._followers) >= SUBSCRIPTIONS_PER_SOCKET_MAX_COUNT:
            await self.tell(refused(f"too-many-tasks: one socket follows {SUBSCRIPTIONS_PER_SOCKET_MAX_COUNT} at most"))
            return
        # Looked up before the next message is read: a flood of false tokens waits for the store instead of filling the memory.
        try:
            number = event_number(since)
            task = await self._services.tasks.by_token(token)
            viewer = Viewer(self._base, await self._owners.uuid(task.project_id))
        except TaskUnknown:
            await self.tell(refused("task-not-exist"))
        except GessoError as error:
            await self.tell(refused(text_of(error)))
        else:
            follower = asyncio.create_task(self._follow(task, viewer, number), name=f"follow task {task.id}")
            self._followers[token] = follower
            # Forgotten at its end, so that a token may be registered again for a second look, and only live ones count.
            follower.add_done_callback(lambda _: self._followers.pop(token, None))

    async def _follow(self, task: Task, viewer: Viewer, since: int) -> None:
        try:
            async for now, event in self._services.tasks.follow(task, since):
                for frame in frames(now, event, viewer):
                    await self.tell(frame)
        except GessoError as error:
            await self.tell(refused(text_of(error)))
        except Exception:
            log.exception("a socket lost its task", task_id=task.id)
            await self.tell(refused(INTERNAL.text))


def _read(text: str | bytes | None) -> dict[str, Any] | None:
    if text is None or len(text) > SOCKET_MESSAGE_MAX_BYTES:
        return None
    try:
        message = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return message if isinstance(message, dict) else None
