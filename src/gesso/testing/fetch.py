"""A Fetch that knows its addresses beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from gesso.domain.errors import FetchRefused
from gesso.ports import BlobWriter


class MemoryFetch:
    """`pages`: for each address its bytes, or the error that fetching it raises. `waits_s`: how long an address takes to answer."""

    def __init__(self, pages: Mapping[str, bytes | Exception] | None = None, waits_s: Mapping[str, float] | None = None) -> None:
        self._pages = pages or {}
        self._waits_s = waits_s or {}
        self.under_way: list[str] = []

    async def fetch(self, url: str, writer: BlobWriter) -> str:
        self.under_way.append(url)
        try:
            if wait_s := self._waits_s.get(url):
                await asyncio.sleep(wait_s)
        finally:
            self.under_way.remove(url)
        page = self._pages.get(url)
        if page is None:
            raise FetchRefused(url, "nothing is there")
        if isinstance(page, Exception):
            raise page
        await writer.write(page)
        return url.rsplit("/", 1)[-1]
