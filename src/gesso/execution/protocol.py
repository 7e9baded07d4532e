"""The whole language between the server and a model process, sorted by direction: one JSON object a line.

Pure: no processes, no sockets. A message is a frozen dataclass; its class name is the wire's `type`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import orjson

FAILURES = frozenset({"input", "memory", "engine", "disk"})

# Server to Worker.


@dataclass(frozen=True, slots=True)
class Setup:
    """Load the Engine. Sent once, first. `engine`: "package.module:Class"."""

    engine: str
    device: str
    memory_bytes: int
    threads: int
    weights: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Run:
    """Carry out one run, at once: a Worker is given one run or one Batch at a time. `folder`, `stem`: where Outputs are written, and what
    their names are made of.

    `files`: per parameter a list of [path, name, content type]. `single`: parameters that take one file.
    """

    run_id: str
    values: Mapping[str, Any]
    files: Mapping[str, list[list[str]]]
    single: list[str]
    folder: str
    stem: str


@dataclass(frozen=True, slots=True)
class Batch:
    """The next `count` Runs are carried out together."""

    count: int


@dataclass(frozen=True, slots=True)
class AskFit:
    """With whom could the next Run share a Batch? It is not carried out."""


@dataclass(frozen=True, slots=True)
class Kill:
    """Stop the run at its next step. Of another run than the present ones: ignored."""

    run_id: str


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Leave."""


# Worker to server.


@dataclass(frozen=True, slots=True)
class Ready:
    """The Engine is set up. `is_batching`: whether it may carry out several Runs together."""

    is_batching: bool = False


@dataclass(frozen=True, slots=True)
class SetupBroke:
    text: str


@dataclass(frozen=True, slots=True)
class Progressed:
    run_id: str
    step: int
    total: int


@dataclass(frozen=True, slots=True)
class Previewed:
    run_id: str
    jpeg_base64: str


@dataclass(frozen=True, slots=True)
class FitTold:
    """The answer to AskFit; an empty `key` for nobody."""

    run_id: str
    key: str
    size: int
    most: int


@dataclass(frozen=True, slots=True)
class Logged:
    """A line for the log of a run in a Batch, whose Worker's stdout and stderr are nobody's."""

    run_id: str
    text: str


@dataclass(frozen=True, slots=True)
class Costed:
    """`amount`: a decimal, as text."""

    run_id: str
    amount: str


@dataclass(frozen=True, slots=True)
class OutputMade:
    """The next Output of the run: written, and flushed to disk or `carried`, its bytes in base64, at most CARRIED_MAX_BYTES of them."""

    run_id: str
    extension: str
    size_bytes: int
    sha256: str
    carried: str = ""


@dataclass(frozen=True, slots=True)
class Accounted:
    """What the Engine says that the run was made with, told right before its end. `environment`: texts by name."""

    run_id: str
    environment: Mapping[str, Any]
    used: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RunEnded:
    run_id: str


@dataclass(frozen=True, slots=True)
class RunBroke:
    """`kind`: "input" (the client's), "memory", or "engine". `text` is told to the client; tracebacks go to stderr."""

    run_id: str
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class RunStopped:
    """The run was killed as asked."""

    run_id: str


ServerMessage = Setup | Run | Batch | AskFit | Kill | Shutdown
RunMessage = Progressed | Previewed | Logged | Costed | OutputMade | Accounted | RunEnded | RunBroke | RunStopped
WorkerMessage = Ready | SetupBroke | FitTold | RunMessage

_SERVER_MESSAGES = {cls.__name__: cls for cls in (Setup, Run, Batch, AskFit, Kill, Shutdown)}
_WORKER_MESSAGES = {
    cls.__name__: cls
    for cls in (Ready, SetupBroke, FitTold, Progressed, Previewed, Logged, Costed, OutputMade, Accounted, RunEnded, RunBroke, RunStopped)
}
_JSON_TYPES = {"str": str, "int": int, "bool": bool, "list[str]": list, "Mapping[str, Any]": dict, "Mapping[str, list[list[str]]]": dict}
_FIELDS = {cls: {f.name: _JSON_TYPES[str(f.type)] for f in fields(cls)} for cls in (*_SERVER_MESSAGES.values(), *_WORKER_MESSAGES.values())}


class ProtocolError(Exception):
    """A line that is none of the messages of its direction."""


def encode(message: ServerMessage | WorkerMessage) -> bytes:
    """The message as one line, newline included. Errors: TypeError for a value that JSON cannot say, such as half a surrogate pair."""
    body: dict[str, Any] = {name: getattr(message, name) for name in _FIELDS[type(message)]}
    body["type"] = type(message).__name__
    return orjson.dumps(body, option=orjson.OPT_APPEND_NEWLINE)


def decode_from_server(line: bytes) -> ServerMessage:
    """Errors: ProtocolError."""
    return _decode(line, _SERVER_MESSAGES)


def decode_from_worker(line: bytes) -> WorkerMessage:
    """Errors: ProtocolError."""
    return _decode(line, _WORKER_MESSAGES)


def _decode(line: bytes, known: Mapping[str, Any]) -> Any:
    try:
        body = orjson.loads(line)
        cls = known[body.pop("type")]
        for name, kind in _FIELDS[cls].items():
            if type(body[name]) is not kind:
                raise TypeError("a field of another type")
        return cls(**body)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProtocolError(f"unreadable message: {line[:200]!r}") from error
