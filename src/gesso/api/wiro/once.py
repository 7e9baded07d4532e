"""The header Idempotency-Key of a run, which the protocol does not know and other services have taught clients to send.

Decided here: the same key with the same request within a day finds the task that the first one made, also while that one is under way
and after a restart; with another request it is refused. What is compared is what was asked for: the model, the fields, and the bytes of
the files, in whatever kind of body they came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import orjson

from gesso.api.body import Body
from gesso.domain.errors import ParameterNotAllowed
from gesso.domain.limits import ONCE_KEY_MAX_CHARACTERS
from gesso.domain.model import Model
from gesso.domain.once import Once

HEADER = b"idempotency-key"


def once_of(headers: Mapping[bytes, bytes], model: Model, body: Body) -> Once | None:
    """The key with a digest of what is asked for; None without the header. Errors: ParameterNotAllowed."""
    given = headers.get(HEADER)
    if given is None:
        return None
    key = given.decode("latin-1").strip()
    if not key or len(key) > ONCE_KEY_MAX_CHARACTERS or not (key.isascii() and key.isprintable()):
        raise ParameterNotAllowed("Idempotency-Key", f"1 to {ONCE_KEY_MAX_CHARACTERS} printable characters of ASCII are expected")
    files = sorted((name, received.sha256) for name, received in body.files)
    asked = orjson.dumps([model.name, body.as_mapping(), files], option=orjson.OPT_SORT_KEYS)
    return Once(key, hashlib.sha256(asked).hexdigest())
