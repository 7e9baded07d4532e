"""Secrets at rest: sealed with a key that is kept beside the database, readable by its owner only."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12


def load_secret_key(path: Path) -> bytes:
    """The key in `path`, made there at the first call with mode 0600. Errors: OSError; ValueError when the file is damaged."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise ValueError(f"{path} is damaged: it must hold {_KEY_BYTES} bytes. Restore it from a backup.") from None
        return key
    with os.fdopen(descriptor, "wb") as file:
        file.write(key := os.urandom(_KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return key


class Vault:
    """Seals texts with AES-256-GCM, and makes digests by which a sealed text can be found again."""

    def __init__(self, secret_key: bytes) -> None:
        self._cipher = AESGCM(secret_key)
        self._digest_key = hmac.new(secret_key, b"gesso lookup digest", hashlib.sha256).digest()

    def seal(self, plain: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain.encode(), None)

    def open(self, sealed: bytes) -> str:
        """Errors: cryptography's InvalidTag when it was sealed with another key or altered."""
        return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()

    def digest(self, plain: str) -> bytes:
        return hmac.new(self._digest_key, plain.encode(), hashlib.sha256).digest()
