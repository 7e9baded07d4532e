"""Pictures of other sites for a page of this one: fetched under the rule for addresses, looked at once, and kept nowhere."""

from __future__ import annotations

from dataclasses import dataclass

from gesso.domain.errors import FetchRefused, Unavailable
from gesso.domain.file import Received, sniff
from gesso.domain.limits import BORROWED_AT_ONCE_MAX_COUNT, BORROWED_MAX_BYTES, MIB
from gesso.ports import Fetch

_HEAD_BYTES = 64


@dataclass(frozen=True, slots=True)
class Borrowed:
    """`content_type`: as its bytes say, not as the other server does."""

    content: bytes
    content_type: str
    name: str


class Borrowing:
    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._under_way = 0

    async def picture(self, url: str) -> Borrowed:
        """Errors: FetchRefused; Unavailable when too many are fetched just now, for each is held in memory."""
        if self._under_way >= BORROWED_AT_ONCE_MAX_COUNT:
            raise Unavailable("too many pictures of other sites are being fetched")
        self._under_way += 1
        try:
            bucket = _Bucket(url)
            name = await self._fetch.fetch(url, bucket)
        finally:
            self._under_way -= 1
        content = bytes(bucket.content)
        content_type = sniff(content[:_HEAD_BYTES])
        if not content_type.startswith("image/") or content_type == "image/svg+xml":
            raise FetchRefused(_without_query(url), "there is something else than a picture")
        return Borrowed(content, content_type, name)


class _Bucket:
    """A BlobWriter that writes nowhere."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.content = bytearray()

    async def write(self, chunk: bytes) -> None:
        if len(self.content) + len(chunk) > BORROWED_MAX_BYTES:
            raise FetchRefused(_without_query(self._url), f"it is larger than {BORROWED_MAX_BYTES // MIB} MB")
        self.content += chunk

    async def finish(self, file_name: str) -> Received:
        raise AssertionError("what is borrowed is not kept")

    async def discard(self) -> None:
        self.content.clear()


def _without_query(url: str) -> str:
    """A query may hold a secret."""
    return url.partition("?")[0]
