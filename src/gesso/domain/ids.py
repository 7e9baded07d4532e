"""Identifiers: how they are made. Unguessable ones come from the system's randomness."""

from __future__ import annotations

import secrets
import uuid
from base64 import urlsafe_b64encode

_KEY_LENGTH = 40
_TOKEN_LENGTH = 30
_DRAWN_BYTES = 768
SESSION_PREFIX = "gs_"


# Words of each length that were drawn and not given yet.
_drawn: dict[int, list[str]] = {}


def _random_word(length: int) -> str:
    """`length` letters and digits, the first one a letter, so that no word can be read as a number.

    Many are drawn in one visit to the system's randomness, because each visit lets another thread in. Leaving out what is not wanted keeps
    all words equally likely; drawing digit by digit took thirty times as long.
    """
    drawn = _drawn.setdefault(length, [])
    while True:
        try:
            return drawn.pop()
        except IndexError:
            letters = urlsafe_b64encode(secrets.token_bytes(_DRAWN_BYTES)).translate(None, b"-_=").decode()
            words = (letters[start : start + length] for start in range(0, len(letters) - length, length))
            drawn.extend(word for word in words if word[0].isalpha())


def new_token() -> str:
    """The capability to see a Task: 30 letters and digits, never all digits."""
    return _random_word(_TOKEN_LENGTH)


def new_access_key() -> str:
    """The capability to read a File: 30 letters and digits."""
    return _random_word(_TOKEN_LENGTH)


def new_secret() -> str:
    """An API key or an API secret: 40 letters and digits."""
    return _random_word(_KEY_LENGTH)


def new_session_token() -> str:
    """The capability to act for a user. Its first letters tell it from an API key, which has no underscore."""
    return SESSION_PREFIX + _random_word(_KEY_LENGTH)


def new_uuid() -> str:
    return str(uuid.uuid4())


def new_folder_id() -> str:
    """32 hex digits."""
    return secrets.token_hex(16)


def new_digits(count: int) -> str:
    """`count` random decimal digits, for file names that must not collide within a Task."""
    return f"{secrets.randbelow(10**count):0{count}d}"
