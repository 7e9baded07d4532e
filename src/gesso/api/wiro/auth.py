"""From the headers of a request to the Proof of who sent it. Source: protocol, section 1.

An API secret that is sent along (`KEY:SECRET`) proves more than a signature made with it, so it is turned into one here and the rest of
the house knows one kind of proof.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

from gesso.domain.errors import KeyUnknown, TokenMissing
from gesso.domain.ids import SESSION_PREFIX
from gesso.domain.limits import NONCE_MAX_CHARACTERS
from gesso.domain.project import signature
from gesso.services.identity import Proof

_HEX = re.compile(r"[0-9a-f]{64}")
_PAIR = re.compile(r"[A-Za-z0-9._\-]+:[A-Za-z0-9._\-]+")
_BEARER = "bearer "
_UNREADABLE = "unreadable"


def proof_of(headers: Mapping[bytes, bytes], address: str) -> Proof:
    """Errors: KeyUnknown when there is no key, or when `x-api-key` and `Authorization` name two."""
    key, secret = _credential(headers)
    # A nonce over the limit is cut, not refused: it is ignored for projects that do not sign, and a cut one matches no signature.
    nonce = _text(headers, b"x-nonce")[:NONCE_MAX_CHARACTERS]
    given = bare_signature(_text(headers, b"x-signature"))
    if secret and not given:
        nonce = nonce or "0"
        given = signature(key, secret, nonce)
    return Proof(key, nonce, given, address)


def token_of(headers: Mapping[bytes, bytes]) -> str:
    """The token of an account call. Errors: TokenMissing."""
    authorization = _text(headers, b"authorization")
    if not authorization.lower().startswith(_BEARER):
        raise TokenMissing
    return authorization[len(_BEARER) :].strip()


def has_project_headers(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a request that may come from an account or from a project comes with a key, in whatever header."""
    if _text(headers, b"x-api-key"):
        return True
    authorization = _text(headers, b"authorization")
    token = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
    return bool(token) and not token.startswith(SESSION_PREFIX)


def bare_signature(given: str) -> str:
    """The 64 hex digits in what `openssl dgst` prints: `SHA2-256(stdin)= <hex>`, `(stdin)= <hex>`, or with `-r` `<hex> *stdin`.

    Something else that is not empty becomes a word that matches nothing, so that it is refused as false and not as missing.
    """
    if not given:
        return ""
    digits = given.rpartition("=")[2].strip().partition(" ")[0].lower()
    return digits if _HEX.fullmatch(digits) else _UNREADABLE


def _credential(headers: Mapping[bytes, bytes]) -> tuple[str, str]:
    key, secret = _split(_text(headers, b"x-api-key"))
    authorization = _text(headers, b"authorization")
    token = authorization[len(_BEARER) :].strip() if authorization.lower().startswith(_BEARER) else ""
    # Who has signed in may send that token with every call; it is no second key, so beside one it says nothing.
    if token and not (key and token.startswith(SESSION_PREFIX)):
        bearer_key, bearer_secret = _split(_decoded(token))
        disagree = (key and key != bearer_key) or (secret and bearer_secret and secret != bearer_secret)
        if disagree:
            raise KeyUnknown
        key, secret = bearer_key, secret or bearer_secret
    if not key:
        raise KeyUnknown
    return key, secret


def _split(given: str) -> tuple[str, str]:
    key, _, secret = given.partition(":")
    return key.strip(), secret.strip()


def _decoded(token: str) -> str:
    """`KEY:SECRET` where the token is base64 of that, else the token. Only letters, digits, `.`, `_`, `-` around the colon are taken for
    a pair, so that no key is mistaken for base64 of one."""
    if ":" in token:
        return token
    try:
        plain = base64.b64decode(token.translate(_FROM_URL_SAFE) + "=" * (-len(token) % 4), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return token
    return plain if _PAIR.fullmatch(plain) else token


_FROM_URL_SAFE = str.maketrans("-_", "+/")


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    # Signatures are made over UTF-8. What is none cannot match, and must not raise either.
    return headers.get(name, b"").decode("utf-8", "replace").strip()
