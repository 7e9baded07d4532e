"""The size of a picture, read from the first bytes of its file: for prices by the pixel, where nothing may be decoded.

Sources: PNG third edition 11.2.1; GIF89a 18; RFC 9649 (WebP); ITU T.81 B.2.2 (JPEG); Microsoft's BITMAPINFOHEADER.
"""

from __future__ import annotations

# The frame headers of JPEG: SOF0 to SOF15 without DHT, JPG and DAC.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})


def pixel_count(head: bytes) -> int:
    """Width times height; 0 for what is no PNG, JPEG, WebP, GIF or BMP, or whose size lies beyond `head`."""
    if head.startswith(b"\x89PNG\r\n\x1a\n") and head[12:16] == b"IHDR":
        return _product(head[16:24], "big")
    if head.startswith((b"GIF87a", b"GIF89a")):
        return _product(head[6:10], "little")
    if head.startswith(b"BM"):
        # A negative height means rows from the top.
        width, height = (int.from_bytes(head[at : at + 4], "little", signed=True) for at in (18, 22))
        return abs(width * height)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp(head)
    return _jpeg(head) if head.startswith(b"\xff\xd8") else 0


def _product(sides: bytes, order: str) -> int:
    half = len(sides) // 2
    big = order == "big"
    return int.from_bytes(sides[:half], "big" if big else "little") * int.from_bytes(sides[half:], "big" if big else "little")


def _webp(head: bytes) -> int:
    kind = head[12:16]
    if kind == b"VP8X":
        return (int.from_bytes(head[24:27], "little") + 1) * (int.from_bytes(head[27:30], "little") + 1) if len(head) >= 30 else 0
    if kind == b"VP8 ":
        return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)
    if kind == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return ((bits & 0x3FFF) + 1) * ((bits >> 14 & 0x3FFF) + 1)
    return 0


def _jpeg(head: bytes) -> int:
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return 0
        marker = head[at + 1]
        if marker in _JPEG_FRAMES:
            return _product(head[at + 5 : at + 9], "big")
        # Fill bytes and markers without a segment are skipped one by one.
        if marker == 0xFF:
            at += 1
        elif marker in _JPEG_ALONE:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(head[at + 2 : at + 4], "big"))
    return 0
