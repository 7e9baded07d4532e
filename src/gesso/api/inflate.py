"""Request bodies that were packed on their way: Content-Encoding gzip and deflate. Source: RFC 9110, section 8.4.

A few kilobytes can unpack to gigabytes, so what comes out is counted against the limit of the body, and comes out in pieces.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from gesso.domain.errors import BodyTooLarge, BodyUnreadable
from gesso.domain.limits import RECEIVE_CHUNK_BYTES

_CODINGS = (b"gzip", b"x-gzip", b"deflate")
# How gzip begins, and zlib with its usual window.
_BEGINNINGS = (b"\x1f", b"\x78")
_EITHER_HEADER = 32 + zlib.MAX_WBITS


def is_packed(content_encoding: bytes) -> bool:
    """Whether the header promises a packing that is known here. Others are not: some clients write their charset into it."""
    return content_encoding.strip().lower() in _CODINGS


async def unpacked(chunks: AsyncIterator[bytes], max_bytes: int) -> AsyncIterator[bytes]:
    """The bytes of a body in pieces of RECEIVE_CHUNK_BYTES at most. What is plain in spite of the header stays as it is.

    Errors: BodyUnreadable where it is damaged or breaks off, BodyTooLarge, and whatever `chunks` raises.
    """
    unpacker, seen_bytes, is_first = zlib.decompressobj(_EITHER_HEADER), 0, True
    async for chunk in chunks:
        if is_first and not chunk.startswith(_BEGINNINGS):
            yield chunk
            async for rest in chunks:
                yield rest
            return
        is_first = False
        while chunk and not unpacker.eof:
            try:
                piece = unpacker.decompress(chunk, RECEIVE_CHUNK_BYTES)
            except zlib.error as error:
                raise BodyUnreadable("its packing is damaged") from error
            chunk = unpacker.unconsumed_tail
            seen_bytes += len(piece)
            if seen_bytes > max_bytes:
                raise BodyTooLarge(max_bytes)
            if piece:
                yield piece
    if not is_first and not unpacker.eof:
        raise BodyUnreadable("its packing breaks off")
