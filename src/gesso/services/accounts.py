"""People: who may sign in to the dashboard, and how their passwords are kept."""

from __future__ import annotations

import asyncio
import re
from typing import Protocol

from argon2 import PasswordHasher

from gesso.domain.errors import ParameterNotAllowed

PASSWORD_MIN_CHARACTERS = 10
_PASSWORD_MAX_CHARACTERS = 1000
_EMAIL_MAX_CHARACTERS = 254
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


class UserStore(Protocol):
    async def create_user(self, email: str, password_hash: str, is_admin: bool) -> str: ...

    async def has_user(self, email: str) -> bool: ...


class Accounts:
    def __init__(self, users: UserStore) -> None:
        self._users = users
        # argon2id with the parameters that RFC 9106 recommends second, for machines with little memory.
        self._hasher = PasswordHasher()

    async def create_user(self, email: str, password: str, is_admin: bool) -> str:
        """The uuid of a new user. Addresses are kept in lower case. Errors: ParameterNotAllowed for the email or the password."""
        address = email.strip().lower()
        if not _EMAIL.fullmatch(address) or len(address) > _EMAIL_MAX_CHARACTERS:
            raise ParameterNotAllowed("email", f"{email!r} is no address")
        if len(password) < PASSWORD_MIN_CHARACTERS:
            raise ParameterNotAllowed("password", f"{PASSWORD_MIN_CHARACTERS} characters are the least")
        if len(password) > _PASSWORD_MAX_CHARACTERS:
            raise ParameterNotAllowed("password", f"{_PASSWORD_MAX_CHARACTERS} characters are the most")
        if await self._users.has_user(address):
            raise ParameterNotAllowed("email", f"there is a user {address} already")
        return await self._users.create_user(address, await asyncio.to_thread(self._hasher.hash, password), is_admin)
