"""Who is signed in: tokens to Users. The same sessions serve programs that send a token and browsers that keep one."""

from __future__ import annotations

from typing import Protocol

from gesso.domain.errors import TokenExpired, TokenInvalid, TokenMissing
from gesso.domain.ids import SESSION_PREFIX, new_session_token
from gesso.domain.limits import (
    API_KEY_MAX_CHARACTERS,
    SESSION_MAX_S,
    SESSION_SEEN_STEP_S,
    SESSIONS_PER_USER_MAX_COUNT,
    SIGNIN_PENDING_S,
    UNKNOWN_KEYS_BURST_COUNT,
    UNKNOWN_KEYS_REFILL_S,
)
from gesso.domain.user import Session, User
from gesso.ports import Clock
from gesso.services.throttle import Throttle, network_of

# What a browser keeps its token in. Dialects take it too, from pages of this very server.
COOKIE = "gesso_session"
_AGENT_MAX_CHARACTERS = 200


class SessionStore(Protocol):
    async def add(self, token: str, session: Session, is_pending: bool, keep_count: int, forget_before: int) -> None: ...

    async def find(self, token: str, is_pending: bool) -> tuple[Session, User] | None: ...

    async def of_user(self, user_id: int) -> list[Session]: ...

    async def has_network(self, email: str, network: str) -> bool: ...

    async def see(self, session_id: int, now: int) -> None: ...

    async def count_try(self, session_id: int) -> int: ...

    async def end(self, user_id: int, session_id: int) -> bool: ...

    async def end_all(self, user_id: int, but_id: int = 0) -> None: ...


class Sessions:
    """Opens, finds and ends sessions. A token is given once, and is no longer known here after that."""

    def __init__(self, store: SessionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._guesses = Throttle(clock, UNKNOWN_KEYS_BURST_COUNT, UNKNOWN_KEYS_REFILL_S)

    async def open(self, user: User, address: str, agent: str = "", is_pending: bool = False) -> str:
        """The token of a new session. `is_pending`: one that waits for a second proof, for SIGNIN_PENDING_S."""
        token, now = new_session_token(), self._clock.now()
        expires_at = now + (SIGNIN_PENDING_S if is_pending else SESSION_MAX_S) * 1_000_000
        shown = "".join(letter if letter.isprintable() else " " for letter in agent[:_AGENT_MAX_CHARACTERS])
        session = Session(0, user.id, now, now, expires_at, network_of(address), shown)
        # One that is over is kept as long again, so that its owner is told so, and from where that was.
        await self._store.add(token, session, is_pending, SESSIONS_PER_USER_MAX_COUNT, now - SESSION_MAX_S * 1_000_000)
        return token

    async def find(self, token: str, address: str, is_pending: bool = False) -> tuple[Session, User]:
        """Errors: TokenMissing, TokenInvalid, TokenExpired, TooManyAttempts."""
        if not token:
            raise TokenMissing
        if not token.startswith(SESSION_PREFIX) or len(token) > API_KEY_MAX_CHARACTERS:
            raise TokenInvalid
        network = network_of(address)
        # Taken before the store is asked, and given back to whoever knew a token.
        self._guesses.take(network)
        found = await self._store.find(token, is_pending)
        if found is None:
            raise TokenInvalid
        self._guesses.give_back(network)
        session, user = found
        now = self._clock.now()
        if now >= session.expires_at:
            raise TokenExpired
        if now - session.seen_at > SESSION_SEEN_STEP_S * 1_000_000:
            await self._store.see(session.id, now)
        return session, user

    async def user(self, token: str, address: str) -> User:
        """Errors: those of `find`."""
        return (await self.find(token, address))[1]

    async def all(self, user: User) -> list[Session]:
        """The User's sessions that are not over, newest first."""
        now = self._clock.now()
        return [session for session in await self._store.of_user(user.id) if session.expires_at > now]

    async def is_familiar(self, email: str, address: str) -> bool:
        """Whether the User with that address has been signed in from there."""
        return await self._store.has_network(email, network_of(address))

    async def count_try(self, session: Session) -> int:
        """Count one more code for a pending session; how many they are."""
        return await self._store.count_try(session.id)

    async def end(self, session: Session) -> None:
        await self._store.end(session.user_id, session.id)

    async def end_by_id(self, user: User, session_id: int) -> bool:
        """End one session of the User; whether there was one."""
        return await self._store.end(user.id, session_id)

    async def end_all(self, user: User, but: Session | None = None) -> None:
        await self._store.end_all(user.id, but.id if but else 0)
