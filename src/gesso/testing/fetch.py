"""A Fetch that knows its addresses beforehand."""

from __future__ import annotations

from collections.abc import Mapping

from gesso.domain.errors import FetchRefused
from gesso.ports import BlobWriter


class MemoryFetch:
    """`pages`: for each address its bytes, or the error that fetching it raises."""

    def __init__(self, pages: Mapping[str, bytes | Exception] | None = None) -> None:
        self._pages = pages or {}

    async def fetch(self, url: str, writer: BlobWriter) -> str:
        page = self._pages.get(url)
        if page is None:
            raise FetchRefused(url, "nothing is there")
        if isinstance(page, Exception):
            raise page
        await writer.write(page)
        return url.rsplit("/", 1)[-1]
