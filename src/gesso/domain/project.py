"""Projects and Keys: who owns and pays, and how they prove it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from gesso.domain.errors import AddressNotAllowed, SignatureInvalid, SignatureMissing


class AuthMethod(StrEnum):
    """How the Keys of a Project prove themselves: alone, or with an HMAC over a nonce."""

    KEY = "key"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Project:
    """The owner of Tasks and Files. `allowed_addresses`: addresses or ranges; empty, or with "*", means all."""

    id: int
    uuid: str
    name: str
    auth_method: AuthMethod
    created_at: int
    allowed_addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """A Project's credential, with its secret in the clear: in memory only."""

    api_key: str
    api_secret: str
    project: Project


def signature(api_key: str, api_secret: str, nonce: str) -> str:
    """Lower-case hex HMAC-SHA256 with the API key as its key over the secret followed by the nonce."""
    return hmac.new(api_key.encode(), (api_secret + nonce).encode(), hashlib.sha256).hexdigest()


def verify(key: Key, nonce: str, given_signature: str, address: str) -> None:
    """Check that a request with these proofs may act for the Project.

    `given_signature`: 64 lower-case hex digits, or anything else, which cannot match. Errors: SignatureMissing, SignatureInvalid,
    AddressNotAllowed.
    """
    project = key.project
    if project.auth_method is AuthMethod.SIGNATURE:
        if not nonce or not given_signature:
            raise SignatureMissing
        expected = signature(key.api_key, key.api_secret, nonce)
        if not hmac.compare_digest(expected.encode(), given_signature.encode()):
            raise SignatureInvalid
    if project.allowed_addresses and not _is_listed(address, project.allowed_addresses):
        raise AddressNotAllowed(address)


def _is_listed(address: str, allowed: tuple[str, ...]) -> bool:
    if "*" in allowed:
        return True
    try:
        here = ipaddress.ip_address(address)
    except ValueError:
        return address in allowed
    if isinstance(here, ipaddress.IPv6Address) and here.ipv4_mapped:
        here = here.ipv4_mapped
    return any(_contains(entry, here) for entry in allowed)


def _contains(entry: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    try:
        return address in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
