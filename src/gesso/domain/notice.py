"""Notices: what an address is told when its Task has ended; how it is signed, and when it is tried again. Source: Standard Webhooks 1.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from gesso.domain.limits import WEBHOOK_BACKOFF_S, WEBHOOK_JITTER, WEBHOOK_RETRY_AFTER_MAX_S

_SECRET_PREFIX = "whsec_"  # noqa: S105
_ID_LENGTH = 24
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class Notice:
    """The end of a Task, to be told to `url`. `due_at`: when, in microseconds since 1970; 0 when nothing more is to be done.

    `tries`: how often it has failed since it was written, or asked for anew. `host`: whom `url` leads to, for fairness between receivers.
    """

    task_id: int
    project_id: int
    url: str
    host: str
    due_at: int
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try: when it began, how long it took (microseconds), what came of it.

    `status`: of the answer; 0 when there was none. `error`: a sentence without its full stop; empty for success. `answer`: how the answer
    began, in printable characters.
    """

    at: int
    duration_us: int
    status: int
    error: str
    answer: str


def host_of(url: str) -> str:
    """Host and port of an address, however its scheme and case are written; the whole text when it is no address."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    except ValueError:
        return url
    return f"{parts.hostname}:{port}" if parts.hostname else url


def notice_id(token: str) -> str:
    """The identity of the notice of the Task with this token: the same for each try, and different on every server, unlike a Task's number.

    The token itself is a capability, and headers end up in logs.
    """
    return f"msg_{hashlib.sha256(f'gesso notice {token}'.encode()).hexdigest()[:_ID_LENGTH]}"


def webhook_secret(key: bytes) -> str:
    """A Project's secret as its owner is shown it."""
    return _SECRET_PREFIX + base64.b64encode(key).decode()


def sign(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """The signature of one try. Errors: ValueError when `secret` is not of the form of `webhook_secret`."""
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except ValueError as error:
        raise ValueError("not a webhook secret") from error
    digest = hmac.new(key, f"{message_id}.{timestamp_s}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def due_after(tries: int, now: int, retry_after_s: float, luck: float) -> int:
    """When to try again after `tries` failures, the last one at `now` microseconds; 0 when that was enough.

    `retry_after_s`: what the receiver asked for, believed within bounds; it may delay a try, never hasten one. `luck`: 0 to 1, so that
    notices that failed together do not come back together.
    """
    if tries > len(WEBHOOK_BACKOFF_S):
        return 0
    wait_s = max(WEBHOOK_BACKOFF_S[tries - 1], min(retry_after_s, WEBHOOK_RETRY_AFTER_MAX_S))
    return now + round(wait_s * (1 + WEBHOOK_JITTER * luck) * _US)
