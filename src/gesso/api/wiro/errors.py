"""What each error of the domain is on this wire: HTTP status, code, text. Source: protocol, sections 1, 2, 3.4 and 12.

All refusals are HTTP 200 but those of section 12.2: 401 for who may not, 404 for an unknown route or file, and three of our own, which
the protocol does not give a body: 429 for who has failed too often, 503 when nothing can be taken now, and 500 when the server failed,
because official clients honour Retry-After and repeat reads on 5xx. A body that is too large, an unreachable address and a value outside
its options keep 200 with code 0 and a plain sentence: clients show the text of a 200 and drop that of a 413. A model that is known but
cannot run here has the text of a hidden one in front, then what to do about it.

Two refusals of section 3.4 have no occasion here. Code 98 asks a guest to sign in, and there are no guests: a run without a key is told of
the key with 401, as section 1 has it. Accounts are not suspended: whoever runs the server stops a project by a budget of 0, which is code
97 and a sentence, or by deleting it, after which its key is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gesso.api.dialect import Answer
from gesso.domain.errors import GessoError, ModelNotReady, TooManyAttempts

_RETRY_AFTER_S = b"5"


@dataclass(frozen=True, slots=True)
class Row:
    """`text`: a format string over the fields of the error; empty means the error's own sentence."""

    status: int
    code: int
    text: str = ""


INTERNAL = Row(500, 0, "Something went wrong in the server.")
ROWS: dict[str, Row] = {
    "key-unknown": Row(401, 0, "Project authorization is not founded."),
    "signature-missing": Row(401, 0, "Project requires signature authentication. x-signature and x-nonce headers are required."),
    "signature-invalid": Row(401, 0, "Project authorization is not valid."),
    "address-not-allowed": Row(401, 0, "Requested ip {address} is not allowed."),
    "token-missing": Row(401, 99, "Authorization bearer token is not founded in headers."),
    "token-invalid": Row(401, 99, "Authorization bearer token is invalid."),
    "token-expired": Row(401, 99, "Authorization bearer token expired."),
    "signin-refused": Row(200, 1),
    "code-refused": Row(200, 1),
    "signup-closed": Row(200, 1),
    "role-too-low": Row(200, 0, "You don't have any permission for this action."),
    "too-many-attempts": Row(429, 0),
    "project-unknown": Row(200, 1, "project-not-exist"),
    "user-unknown": Row(200, 1, "user-not-exist: {email}"),
    "last-owner": Row(200, 1),
    "limit-reached": Row(200, 1),
    "mail-missing": Row(200, 1),
    "body-unreadable": Row(200, 0, "Request parameters are invalid."),
    "body-too-large": Row(200, 0),
    "parameter-missing": Row(200, 0, "Request parameter [{name}] required"),
    "file-missing": Row(200, 0, "Request files [{name}] required"),
    "parameter-not-number": Row(200, 0, "Request parameter [{name}] must be integer or float"),
    "parameter-out-of-range": Row(200, 0, "Request parameter [{name}] must be between {minimum} and {maximum}"),
    "parameter-not-allowed": Row(200, 0, "Request parameter [{name}] cannot be used: {reason}"),
    "file-refused": Row(200, 0, "Request files [{name}] cannot be used: {reason}"),
    "fetch-refused": Row(200, 0),
    "upload-refused": Row(200, 0),
    "folder-refused": Row(200, 0),
    "balance-too-low": Row(200, 97, "Insufficient balance"),
    "too-many-active-tasks": Row(
        200,
        96,
        "You have reached your concurrent task limit. With your current balance of ${balance}, you can run up to {limit} tasks at the "
        "same time. Add funds to increase your limit.",
    ),
    "budget-spent": Row(200, 97),
    "repeat-refused": Row(200, 0, "Idempotency-Key [{key}] was used for another request within a day. Send that one again, or a new key."),
    "model-unknown": Row(200, 1, "slug-owner-project-not-exist"),
    "model-not-ready": Row(200, 1, f"tool-not-accessible: {ModelNotReady.sentence}"),
    "task-unknown": Row(200, 1, "There is no task yet."),
    "task-reference-missing": Row(200, 0, "taskid or socketaccesstoken is required"),
    "not-cancellable": Row(200, 1, "Task is not in a cancellable state."),
    "not-killable": Row(200, 1, "Task could not be killed: {reason}"),
    "not-ended": Row(200, 1, "Task must be completed or cancelled before deleting files"),
    "file-unknown": Row(200, 1, "file-not-exist"),
    "folder-unknown": Row(200, 1, "folder-not-exist"),
    "unavailable": Row(503, 0),
    "stale-attempt": INTERNAL,
    "illegal-step": INTERNAL,
}


def text_of(error: GessoError) -> str:
    """The error in this wire's words."""
    row = ROWS.get(error.slug, INTERNAL)
    return row.text.format(**vars(error)) if row.text else str(error)


def explain(error: GessoError, extra: dict[str, Any] | None = None, status: int | None = None) -> Answer:
    """The answer that tells of `error`. `extra`: the keys that a route adds to a refusal; `status`: of a route that has its own."""
    row = ROWS.get(error.slug, INTERNAL)
    headers = ((b"retry-after", _retry_after(error)),) if row.status in (429, 503) else ()
    return refusal(status or row.status, row.code, text_of(error), extra, headers)


def _retry_after(error: GessoError) -> bytes:
    return b"%d" % error.retry_after_s if isinstance(error, TooManyAttempts) else _RETRY_AFTER_S


def refusal(
    status: int,
    code: int,
    text: str,
    extra: dict[str, Any] | None = None,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    body = {"errors": [{"code": code, "message": text}], **(extra or {}), "result": False}
    return Answer(orjson.dumps(body), status, headers=headers)


UNKNOWN_ROUTE = refusal(404, 0, "Error parsing url.")
FAILED = refusal(INTERNAL.status, INTERNAL.code, INTERNAL.text)
