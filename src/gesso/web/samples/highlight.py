"""Code as HTML with its comments, strings, numbers and words marked for the style sheet. Not a lexer of these languages: it knows what
the samples use, and whatever it takes for what, the text that a reader copies is the text that was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from markupsafe import Markup, escape

_NUMBER = r"(?P<number>(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b)"
_WORD = r"(?P<word>\$?[A-Za-z_][A-Za-z0-9_]*)"
_DOUBLE = r'"(?:[^"\\\n]|\\.)*"'
_SINGLE = r"'(?:[^'\\\n]|\\.)*'"
_BACKTICK = r"`(?:[^`\\]|\\.)*`"
_SLASHES = r"//[^\n]*|/\*.*?\*/"
_HASH = r"(?<!\S)#[^\n]*"
_TAGS = r"</?[A-Za-z][^<>\n]*>|<!\w[^>\n]*>"

_SHELL = r"\$'(?:[^'\\]|\\.)*'|'[^']*'|\\'|" + r'"(?:[^"\\]|\\.)*"'

_C_WORDS = "break case class const continue do else for if in is new null return static struct switch throw true false var while"
_JS_WORDS = f"{_C_WORDS} async await from function import instanceof let of throw"
_WORDS: Mapping[str, str] = {
    "curl": "do done until while read echo export tee curl sed grep cut printf openssl sleep cat",
    "nodejs": _JS_WORDS,
    "html": _JS_WORDS,
    "csharp": f"{_C_WORDS} async await byte double foreach or public readonly string using void",
    "php": f"{_C_WORDS} array as echo foreach function require string",
    "swift": f"{_C_WORDS} async await catch extension func guard import let self some throws try",
    "dart": f"{_C_WORDS} async await as extends final import required super void",
    "kotlin": "break check class const continue else false for fun if import in null object override return true until val var while",
    "go": f"{_C_WORDS} any defer error func import map nil package range string type",
    "python": "and as break class continue def else False for from if import in is None not or pass raise return True while with",
}
_PATTERNS: Mapping[str, tuple[str, str]] = {
    "curl": (_HASH, _SHELL),
    "nodejs": (_SLASHES, f"{_DOUBLE}|{_BACKTICK}"),
    "html": (_SLASHES, f"{_DOUBLE}|{_BACKTICK}|{_TAGS}"),
    "csharp": (_SLASHES, _DOUBLE),
    "php": (_SLASHES, rf"'(?:[^'\\]|\\.)*'|{_DOUBLE}"),
    "swift": (_SLASHES, _DOUBLE),
    "dart": (_SLASHES, _SINGLE),
    "kotlin": (_SLASHES, _DOUBLE),
    "go": (_SLASHES, f"{_DOUBLE}|{_BACKTICK}"),
    "python": (_HASH, f"{_DOUBLE}|{_SINGLE}"),
    "json": (r"(?P<key>\"(?:[^\"\\]|\\.)*\"(?=\s*:))", _DOUBLE),
}
_JSON_WORDS = "true false null"
_KEPT_MAX_COUNT = 1_024


@lru_cache(_KEPT_MAX_COUNT)
def highlight(text: str, syntax: str) -> Markup:
    """`syntax`: a language's id, `html` or `json`."""
    words = frozenset(_WORDS.get(syntax, _JSON_WORDS).split())
    parts: list[str] = []
    end = 0
    for found in _pattern(syntax).finditer(text):
        kind = found.lastgroup or ""
        if kind == "word" and found[0] not in words:
            kind = "name" if found[0].startswith("$") else ""
        if not kind:
            continue
        parts += [escape(text[end : found.start()]), f'<span class="c-{kind}">{escape(found[0])}</span>']
        end = found.end()
    return Markup("".join([*parts, escape(text[end:])]))  # noqa: S704


@lru_cache
def _pattern(syntax: str) -> re.Pattern[str]:
    comment, string = _PATTERNS[syntax]
    first = comment if comment.startswith("(?P<") else f"(?P<comment>{comment})"
    return re.compile(f"{first}|(?P<string>{string})|{_NUMBER}|{_WORD}", re.DOTALL)
