"""One-time codes of a program on a telephone. Source: RFC 6238 with SHA-1, 30 seconds and 6 digits, which is what such programs take."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from urllib.parse import quote

_STEP_S = 30
_DIGITS = 6
_SECRET_BYTES = 20
# Clocks of telephones are off by seconds, and people take as long to type.
_STEPS_ASIDE = 1


def new_secret() -> str:
    """160 bits in base32, as people type them in."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def is_secret(given: str) -> bool:
    try:
        return len(base64.b32decode(given)) == _SECRET_BYTES
    except ValueError:
        return False


def code(secret: str, step: int) -> str:
    """The code of one interval. `step`: intervals of 30 s since 1970."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}d}"


def step_at(now: int) -> int:
    """`now`: microseconds since 1970."""
    return now // 1_000_000 // _STEP_S


def matching_step(secret: str, given: str, now: int) -> int | None:
    """The interval whose code was given, this one or one beside it; None for a wrong code."""
    digits = given.replace(" ", "").encode()
    here = step_at(now)
    matching = None
    for step in range(here - _STEPS_ASIDE, here + _STEPS_ASIDE + 1):
        if hmac.compare_digest(code(secret, step).encode(), digits):
            matching = step
    return matching


def address(secret: str, email: str) -> str:
    """What a telephone reads to take the secret over. Source: the key URI format of authenticator programs."""
    return f"otpauth://totp/gesso:{quote(email)}?secret={secret}&issuer=gesso"
