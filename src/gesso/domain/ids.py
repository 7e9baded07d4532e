"""Identifiers: how they are made. Unguessable ones come from the system's randomness."""

from __future__ import annotations

import secrets
import string
import uuid

_LETTERS = string.ascii_letters
_ALPHABET = string.ascii_letters + string.digits
_KEY_LENGTH = 40
_TOKEN_LENGTH = 30
SESSION_PREFIX = "gs_"


def _random_word(length: int) -> str:
    """`length` letters and digits, the first one a letter, so that no word can be read as a number."""
    number = secrets.randbits(6 * length + 64)
    number, first = divmod(number, len(_LETTERS))
    word = [_LETTERS[first]]
    for _ in range(length - 1):
        number, index = divmod(number, len(_ALPHABET))
        word.append(_ALPHABET[index])
    return "".join(word)


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
