"""People: their addresses and passwords, and the sessions in which they are signed in."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from gesso.domain.errors import ParameterNotAllowed
from gesso.domain.limits import EMAIL_MAX_CHARACTERS, PASSWORD_MAX_CHARACTERS, PASSWORD_MIN_CHARACTERS

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DISTINCT_MIN_COUNT = 5
# Those of the usual lists of stolen passwords that are long enough to pass the other rules.
_STOLEN = frozenset(
    (
        "1234567890",
        "0123456789",
        "12345678910",
        "123456789a",
        "q1w2e3r4t5",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "qwertyuiop",
        "qwerty12345",
        "qwerty123456",
        "password12",
        "password123",
        "password1234",
        "passw0rd123",
        "letmein123",
        "welcome123",
        "administrator",
        "iloveyou123",
        "abcdefghij",
        "abcd123456",
        "changeme123",
        "princess123",
        "basketball",
        "sunshine123",
    )
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `is_admin`: may manage the whole server. `has_second_factor`: a password is not enough."""

    id: int
    uuid: str
    email: str
    is_admin: bool
    created_at: int
    has_second_factor: bool = False


@dataclass(frozen=True, slots=True)
class Credentials:
    """A User with the proofs to compare with. `second_factor`: the secret of its codes, or empty; `step`: that of the last code used."""

    user: User
    password_hash: str
    second_factor: str
    step: int


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in of a User. `network`: from where; `agent`: the program, as it calls itself. Times in microseconds since 1970, UTC."""

    id: int
    user_id: int
    created_at: int
    seen_at: int
    expires_at: int
    network: str
    agent: str


def normal_email(given: str) -> str:
    """The one spelling under which an address is kept: composed, without spaces around it, in lower case. Errors: ParameterNotAllowed."""
    address = unicodedata.normalize("NFKC", given[: 2 * EMAIL_MAX_CHARACTERS]).strip().lower()
    if not _EMAIL.fullmatch(address) or len(address) > EMAIL_MAX_CHARACTERS or not address.isprintable():
        raise ParameterNotAllowed("email", f"{given[:EMAIL_MAX_CHARACTERS]!r} is no address")
    return address


def normal_password(given: str) -> str:
    """The password as it is hashed: keyboards spell one letter in several ways."""
    return unicodedata.normalize("NFKC", given)


def check_password(password: str, email: str) -> None:
    """The rules for a new password: length before all, and none that is tried first. Errors: ParameterNotAllowed."""
    if len(password) < PASSWORD_MIN_CHARACTERS:
        raise ParameterNotAllowed("password", f"{PASSWORD_MIN_CHARACTERS} characters are the least")
    if len(password) > PASSWORD_MAX_CHARACTERS:
        raise ParameterNotAllowed("password", f"{PASSWORD_MAX_CHARACTERS} characters are the most")
    plain = normal_password(password).lower()
    if len(set(plain)) < _DISTINCT_MIN_COUNT:
        raise ParameterNotAllowed("password", f"it needs {_DISTINCT_MIN_COUNT} different characters")
    if plain in _STOLEN:
        raise ParameterNotAllowed("password", "it is one of those that are tried first")
    if email in plain or plain in email:
        raise ParameterNotAllowed("password", "it is too near to the e-mail address")
