"""Who is asking: from the proofs of a request to its Project."""

from __future__ import annotations

from dataclasses import dataclass

from gesso.domain.errors import KeyUnknown
from gesso.domain.limits import CREDENTIAL_CACHE_MAX_COUNT, CREDENTIAL_CACHE_S
from gesso.domain.project import Key, Project, verify
from gesso.ports import AccountStore, Clock


@dataclass(frozen=True, slots=True)
class Proof:
    """What a request shows of its sender. `signature`: lower-case hex, or empty; `address`: the client's IP address."""

    api_key: str
    nonce: str
    signature: str
    address: str


class Identity:
    """Finds Projects by their Keys. A known Key is remembered for CREDENTIAL_CACHE_S, so a revoked one works that much longer at most."""

    def __init__(self, accounts: AccountStore, clock: Clock) -> None:
        self._accounts = accounts
        self._clock = clock
        self._known: dict[str, tuple[float, Key]] = {}

    async def project(self, proof: Proof) -> Project:
        """Errors: KeyUnknown, SignatureMissing, SignatureInvalid, AddressNotAllowed."""
        key = await self._key(proof.api_key)
        verify(key, proof.nonce, proof.signature, proof.address)
        return key.project

    async def _key(self, api_key: str) -> Key:
        now = self._clock.monotonic()
        remembered = self._known.get(api_key)
        if remembered is not None and now < remembered[0]:
            return remembered[1]
        self._known.pop(api_key, None)
        key = await self._accounts.key(api_key) if api_key else None
        if key is None:
            raise KeyUnknown
        if len(self._known) >= CREDENTIAL_CACHE_MAX_COUNT:
            self._known.clear()
        self._known[api_key] = (now + CREDENTIAL_CACHE_S, key)
        return key
