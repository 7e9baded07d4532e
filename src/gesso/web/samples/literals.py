"""Any text as a string of a programming language, so that the compiler reads back exactly that text, and as what forms and URLs take.

What a reader cannot see (control characters, direction marks, zero-width spaces) is always written as an escape: pasted code must not
hide anything, and copying a page loses some of these characters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

# Whole numbers beyond are not exact in all languages' JSON; the wire takes numbers as text too.
_EXACT_INTEGER_MAX = 2**53
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

Literal = Callable[[str], str]


def clean_text(text: str) -> str:
    """The text without what no request can carry: NUL, and halves of surrogate pairs."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _HIDDEN


def _quoted(quote: str, escaped: Mapping[str, str], hidden: Callable[[int], str]) -> Literal:
    """How a language writes strings: between `quote`s, with `escaped` characters, and what is hidden by its code point."""
    table = {"\\": "\\\\", quote: f"\\{quote}", **_SHORT, **escaped}

    def write(text: str) -> str:
        return quote + "".join(table.get(each) or (hidden(ord(each)) if is_hidden(each) else each) for each in text) + quote

    return write


def _braced(code: int) -> str:
    return f"\\u{{{code:x}}}"


def _four_or_eight(code: int) -> str:
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _surrogates(code: int) -> str:
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    above = code - 0x10000
    return f"\\u{0xD800 + (above >> 10):04x}\\u{0xDC00 + (above & 0x3FF):04x}"


python = _quoted('"', {}, _four_or_eight)
go = _quoted('"', {}, _four_or_eight)
csharp = _quoted('"', {}, _four_or_eight)
swift = _quoted('"', {}, _braced)
kotlin = _quoted('"', {"$": "\\$"}, _surrogates)
dart = _quoted("'", {"$": "\\$"}, _braced)
_javascript = _quoted('"', {}, _braced)
_php_double = _quoted('"', {"$": "\\$"}, _braced)


def javascript(text: str) -> str:
    """Also safe between `<script>` and `</script>`."""
    return _javascript(text).replace("</", "<\\/").replace("<!--", "<\\!--")


def php(text: str) -> str:
    if any(map(is_hidden, text)):
        return _php_double(text)
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def shell(text: str) -> str:
    """For bash, zsh and every POSIX shell; with hidden characters, for bash and zsh."""
    if any(is_hidden(each) and each not in "\n\t" for each in text):
        return "$" + _quoted("'", {}, _four_or_eight)(text)
    return "'" + text.replace("'", "'\\''") + "'"


def form_value(value: Any) -> str:
    """A value as a form carries it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def exact(value: Any) -> Any:
    """The value, or its text where a language's JSON would round it."""
    is_large = isinstance(value, int) and not isinstance(value, bool) and abs(value) > _EXACT_INTEGER_MAX
    return str(value) if is_large else value
