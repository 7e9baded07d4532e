"""GET Task/Stream: the frames of the socket as server-sent events, for browsers and for who has no WebSocket. Ours, not the protocol's.

`?tasktoken=...` names the task and is all the proof that is needed, as on the socket; a browser's EventSource can send neither a body nor
a header. The id of an event is the frame's `seq`. A client that was cut sends it back, in `Last-Event-ID` or as `?since=`, and goes on
from there. After the last frame the stream ends; a client that comes back then is told with 204 that there is nothing more, which stops
an EventSource. It ends too when the server stops, and goes on in the next one.
"""

from __future__ import annotations

from contextlib import aclosing

from starlette.types import Send

from gesso.api.dialect import Answer, Services
from gesso.api.request import Request
from gesso.api.wiro import sse
from gesso.api.wiro.decode import event_number
from gesso.api.wiro.encode import Viewer
from gesso.api.wiro.errors import explain
from gesso.api.wiro.frames import frames
from gesso.api.wiro.owners import Owners
from gesso.domain.errors import GessoError, TaskReferenceMissing, TaskUnknown

_NOTHING_MORE = Answer(b"", 204)
_TOKEN_KEYS = ("tasktoken", "socketaccesstoken")


class Streams:
    def __init__(self, services: Services, owners: Owners) -> None:
        self._services = services
        self._owners = owners

    async def serve(self, request: Request, send: Send) -> Answer | None:
        """The answer, or None when it has been sent as a stream. Errors: TaskReferenceMissing, ParameterNotAllowed, Unavailable."""
        token = next((given for key in _TOKEN_KEYS if (given := request.query(key))), "")
        if not token:
            raise TaskReferenceMissing
        since = event_number(request.headers.get(b"last-event-id", b"").decode("latin-1") or request.query("since") or 0)
        try:
            task = await self._services.tasks.by_token(token)
        except TaskUnknown as error:
            return explain(error, status=404)
        if self._services.tasks.is_told(task, since):
            return _NOTHING_MORE
        viewer = Viewer(self._owners.base(request), await self._owners.uuid(task.project_id))
        await sse.begin(send)
        told = self._services.tasks.follow(task, since)
        async with aclosing(sse.heard(told, request, self._services.hung_up, lambda: sse.KEEP_ALIVE_S)) as beats:
            async for beat in beats:
                if beat is sse.Silence.LEFT:
                    return None
                if beat is sse.Silence.OVER:
                    break
                await sse.write(send, _text(beat, viewer))
        await sse.finish(send)
        return None


def _text(beat: sse.Told | GessoError | sse.Silence, viewer: Viewer) -> bytes:
    if isinstance(beat, sse.Silence):
        return sse.KEEP_ALIVE
    if isinstance(beat, GessoError):
        return sse.broken(explain(beat))
    return b"".join(sse.event(frame["type"], frame, frame.get("seq")) for frame in frames(*beat, viewer))
