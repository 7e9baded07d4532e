"""People: who may sign up, how they sign in, and what they prove themselves with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gesso.domain import second_factor
from gesso.domain.errors import (
    CodeRefused,
    ParameterNotAllowed,
    SigninRefused,
    SignupClosed,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    UserUnknown,
)
from gesso.domain.limits import SIGNIN_CODES_MAX_COUNT
from gesso.domain.user import Credentials, Session, User, check_password, normal_email
from gesso.ports import Clock
from gesso.services.passwords import Passwords
from gesso.services.sessions import Sessions
from gesso.services.signins import Signins


class UserStore(Protocol):
    async def create(self, email: str, password_hash: str, is_admin: bool, is_first_only: bool = False) -> User: ...

    async def is_empty(self) -> bool: ...

    async def all(self) -> list[User]: ...

    async def by_email(self, email: str) -> Credentials | None: ...

    async def by_id(self, user_id: int) -> Credentials | None: ...

    async def set_password(self, user_id: int, password_hash: str) -> None: ...

    async def set_second_factor(self, user_id: int, secret: str) -> None: ...

    async def set_admin(self, user_id: int, is_admin: bool) -> None: ...

    async def use_step(self, user_id: int, step: int) -> bool: ...

    async def delete(self, email: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Sender:
    """Where a sign-in comes from. `address`: an IP address; `agent`: the program, as it calls itself."""

    address: str
    agent: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`is_pending`: the token proves the password only, and `verify` takes it with a code."""

    user: User
    token: str
    is_pending: bool = False


class Accounts:
    """`signup`: "first" lets the first visitor in and nobody after, "open" everybody, "closed" nobody."""

    def __init__(
        self, users: UserStore, sessions: Sessions, clock: Clock, signup: str = "first", passwords: Passwords | None = None
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._clock = clock
        self._signup = signup
        self._passwords = passwords or Passwords()
        self._signins = Signins(sessions, clock)

    def close(self) -> None:
        self._passwords.close()

    async def may_sign_up(self) -> bool:
        return self._signup == "open" or (self._signup == "first" and await self._users.is_empty())

    async def create_user(self, email: str, password: str, is_admin: bool) -> User:
        """A new User, as whoever has the machine makes one. Errors: ParameterNotAllowed for the email or the password."""
        address = normal_email(email)
        check_password(password, address)
        return await self._users.create(address, await self._passwords.hash(password), is_admin)

    async def sign_up(self, email: str, password: str, sender: Sender) -> SignedIn:
        """A new User, signed in. The first one of all is an administrator. Errors: SignupClosed, ParameterNotAllowed, TooManyAttempts."""
        if not await self.may_sign_up():
            raise SignupClosed
        address = normal_email(email)
        check_password(password, address)
        # Each one counts, good or bad: an open server answers whether an address is taken, and a hash costs.
        self._signins.take_network(sender.address)
        password_hash = await self._passwords.hash(password)
        user = await self._users.create(address, password_hash, is_admin=False, is_first_only=self._signup == "first")
        return SignedIn(user, await self._sessions.open(user, sender.address, sender.agent))

    async def sign_in(self, email: str, password: str, sender: Sender) -> SignedIn:
        """Errors: SigninRefused, the same after the same time for a wrong address as for a wrong password; TooManyAttempts; Unavailable."""
        try:
            address = normal_email(email)
        except ParameterNotAllowed:
            address = ""
        attempt = await self._signins.admit(address, sender.address)
        found = await self._users.by_email(address)
        is_right = await self._passwords.is_right(found.password_hash if found else None, password)
        if found is None or not is_right:
            raise SigninRefused
        user = found.user
        if found.second_factor:
            # The attempt counts: who knows the password only may not try codes for ever.
            return SignedIn(user, await self._sessions.open(user, sender.address, sender.agent, is_pending=True), is_pending=True)
        attempt.forgive()
        if self._passwords.is_outdated(found.password_hash):
            await self._users.set_password(user.id, await self._passwords.hash(password))
        return SignedIn(user, await self._sessions.open(user, sender.address, sender.agent))

    async def verify(self, pending_token: str, code: str, sender: Sender) -> SignedIn:
        """The second step of a sign-in. Errors: CodeRefused, TooManyAttempts."""
        try:
            session, user = await self._sessions.find(pending_token, sender.address, is_pending=True)
        except (TokenMissing, TokenInvalid, TokenExpired):
            raise CodeRefused from None
        if await self._sessions.count_try(session) > SIGNIN_CODES_MAX_COUNT:
            await self._sessions.end(session)
            raise CodeRefused
        found = await self._users.by_id(user.id)
        if found is None or not await self._is_code(found, code):
            raise CodeRefused
        await self._sessions.end(session)
        return SignedIn(user, await self._sessions.open(user, sender.address, sender.agent))

    async def change_password(self, user: User, password: str, new_password: str, but: Session, sender: Sender) -> None:
        """Set another password, and end all sessions but this one. Errors: SigninRefused, ParameterNotAllowed, TooManyAttempts."""
        await self.demand_password(user, password, sender)
        check_password(new_password, user.email)
        await self._users.set_password(user.id, await self._passwords.hash(new_password))
        await self._sessions.end_all(user, but)

    async def set_second_factor(self, user: User, password: str, secret: str, code: str, sender: Sender) -> None:
        """Ask for codes made with `secret` from now on; the code shows that they can be made. Errors: SigninRefused, CodeRefused,
        ParameterNotAllowed, TooManyAttempts."""
        await self.demand_password(user, password, sender)
        if not second_factor.is_secret(secret):
            raise ParameterNotAllowed("secret", "it is none that this server gives")
        step = second_factor.matching_step(secret, code, self._clock.now())
        if step is None:
            raise CodeRefused
        await self._users.set_second_factor(user.id, secret)
        await self._users.use_step(user.id, step)

    async def drop_second_factor(self, user: User, password: str, sender: Sender) -> None:
        """Errors: SigninRefused, TooManyAttempts."""
        await self.demand_password(user, password, sender)
        await self._users.set_second_factor(user.id, "")

    async def all(self) -> list[User]:
        return await self._users.all()

    async def reset(self, email: str, password: str) -> User:
        """Set a password without the old one, drop the second factor and end all sessions: for whoever has the machine.

        Errors: UserUnknown, ParameterNotAllowed.
        """
        address = normal_email(email)
        found = await self._users.by_email(address)
        if found is None:
            raise UserUnknown(address)
        check_password(password, address)
        await self._users.set_password(found.user.id, await self._passwords.hash(password))
        await self._users.set_second_factor(found.user.id, "")
        await self._sessions.end_all(found.user)
        return found.user

    async def delete(self, email: str) -> None:
        """Remove the User and its sessions; its Projects stay. Errors: UserUnknown, ParameterNotAllowed."""
        await self._users.delete(normal_email(email))

    async def demand_password(self, user: User, password: str, sender: Sender) -> None:
        """Asked again for what a stolen token must not be able to do. Errors: SigninRefused, TooManyAttempts."""
        attempt = await self._signins.admit(user.email, sender.address)
        found = await self._users.by_id(user.id)
        if found is None or not await self._passwords.is_right(found.password_hash, password):
            raise SigninRefused
        attempt.forgive()

    async def _is_code(self, found: Credentials, code: str) -> bool:
        step = second_factor.matching_step(found.second_factor, code, self._clock.now()) if found.second_factor else None
        return step is not None and await self._users.use_step(found.user.id, step)
