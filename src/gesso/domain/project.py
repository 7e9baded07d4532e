"""Projects and Keys: who owns and pays, and how they prove it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gesso.domain.errors import AddressNotAllowed, ParameterNotAllowed, SignatureInvalid, SignatureMissing
from gesso.domain.limits import (
    ADDRESSES_PER_PROJECT_MAX_COUNT,
    PROJECT_DESCRIPTION_MAX_CHARACTERS,
    PROJECT_NAME_MAX_CHARACTERS,
)

ANY_ADDRESS = "*"
_MAPPED_BITS = 96


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
    description: str = ""


class Role(StrEnum):
    """What a User may do in a Project: owners change it, members use it."""

    OWNER = "owner"
    MEMBER = "member"


@dataclass(frozen=True, slots=True)
class Member:
    """A User's place in a Project."""

    user_uuid: str
    email: str
    role: Role
    since: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A Project as those see it who may use it. `role`: None for who is no member but manages the server, or came with the Key."""

    project: Project
    api_key: str
    request_count: int
    role: Role | None


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


def check_name(given: str) -> str:
    """The name as it is kept. Errors: ParameterNotAllowed."""
    name = given.strip()
    if not name or len(name) > PROJECT_NAME_MAX_CHARACTERS or not name.isprintable():
        raise ParameterNotAllowed("name", f"a project's name has 1 to {PROJECT_NAME_MAX_CHARACTERS} printable characters")
    return name


def check_description(given: str) -> str:
    """Errors: ParameterNotAllowed."""
    if len(given) > PROJECT_DESCRIPTION_MAX_CHARACTERS:
        raise ParameterNotAllowed("description", f"{PROJECT_DESCRIPTION_MAX_CHARACTERS} characters are the most")
    if "\0" in given:
        raise ParameterNotAllowed("description", "it holds a character that no text has")
    return given.strip()


def check_addresses(given: Sequence[str]) -> tuple[str, ...]:
    """Addresses and ranges in their shortest spelling, each once. Errors: ParameterNotAllowed, which names what is neither."""
    if len(given) > ADDRESSES_PER_PROJECT_MAX_COUNT:
        raise ParameterNotAllowed("addresses", f"{ADDRESSES_PER_PROJECT_MAX_COUNT} are the most")
    return tuple(dict.fromkeys(_address(entry.strip()) for entry in given if entry.strip()))


def _address(entry: str) -> str:
    if entry == ANY_ADDRESS:
        return entry
    try:
        # Not strict: people write the address of a machine with the width of its network.
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        raise ParameterNotAllowed("addresses", f"{entry[:60]!r} is neither an address nor a range such as 10.0.0.0/8") from None
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is not None and network.prefixlen >= _MAPPED_BITS:
        # A socket that takes both kinds shows IPv4 clients so; they are compared as what they are.
        network = ipaddress.ip_network((mapped, network.prefixlen - _MAPPED_BITS), strict=False)
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _is_listed(address: str, allowed: tuple[str, ...]) -> bool:
    if ANY_ADDRESS in allowed:
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
