"""Hashes of passwords: argon2id, in threads, few at once, because each one takes 64 MiB of memory and some cores for a while."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gesso.domain.errors import Unavailable
from gesso.domain.limits import PASSWORD_CHECKS_MAX_COUNT, PASSWORD_CHECKS_WAITING_MAX_COUNT, PASSWORD_MAX_CHARACTERS
from gesso.domain.user import normal_password

T = TypeVar("T")


class Passwords:
    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        """`hasher`: another one than argon2id with the parameters that RFC 9106 recommends second, for machines with little memory."""
        self._hasher = hasher or PasswordHasher()
        self._threads = ThreadPoolExecutor(PASSWORD_CHECKS_MAX_COUNT, "gesso-password")
        self._under_way_count = 0
        self._decoy = ""

    async def hash(self, password: str) -> str:
        """Errors: Unavailable when too many wait."""
        return await self._run(lambda: self._hasher.hash(normal_password(password)))

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Whether the password gives the hash. None, for a user that is not there, takes the same time and is never right.

        Errors: Unavailable when too many wait.
        """
        # No password that can be kept is longer; hashing megabytes is what an attacker would ask for.
        given = normal_password(password[: PASSWORD_MAX_CHARACTERS + 1])
        return await self._run(lambda: self._matches(password_hash, given))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than now's."""
        return self._hasher.check_needs_rehash(password_hash)

    def close(self) -> None:
        self._threads.shutdown()

    def _matches(self, password_hash: str | None, given: str) -> bool:
        # Made before it is known whether it is needed, so that the first call shows nothing either.
        self._decoy = self._decoy or self._hasher.hash(secrets.token_hex())
        try:
            return self._hasher.verify(password_hash or self._decoy, given) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way_count >= PASSWORD_CHECKS_MAX_COUNT + PASSWORD_CHECKS_WAITING_MAX_COUNT:
            raise Unavailable("too many people sign in at once")
        self._under_way_count += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._under_way_count -= 1
