"""The languages of the guide: how each writes strings, truth and lists, what it needs installed, and what its blocks are coloured as."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from gesso.web.samples import literals
from gesso.web.samples.literals import Literal


@dataclass(frozen=True, slots=True)
class Language:
    """`needs`: what the reader must have, in one sentence. `file`: where the code goes. `ui`: the syntax of the block with UI elements,
    which is a page for languages that serve pages. `brackets`: around a list."""

    id: str
    title: str
    needs: str
    file: str
    literal: Literal
    ui: str = "html"
    brackets: tuple[str, str] = ("[", "]")
    truth: tuple[str, str] = ("false", "true")

    def value(self, value: Any) -> str:
        """A JSON value as an expression."""
        exact = literals.exact(value)
        if isinstance(exact, bool):
            return self.truth[exact]
        if isinstance(exact, list | tuple):
            return self.brackets[0] + ", ".join(map(self.value, exact)) + self.brackets[1]
        return self.literal(exact) if isinstance(exact, str) else repr(exact)


LANGUAGES = (
    Language("curl", "curl", "bash or zsh, with curl and openssl.", "gesso.sh", literals.shell),
    Language("nodejs", "Node.js", "Node.js 22 or newer, and no package.", "gesso.mjs", literals.javascript),
    Language("csharp", "C#", ".NET 8 or newer, and no package.", "Program.cs", literals.csharp, "csharp", ("new string[] { ", " }")),
    Language(
        "php",
        "PHP",
        "PHP 8.1 or newer with its curl extension; for live progress also: composer require phrity/websocket",
        "gesso.php",
        literals.php,
    ),
    Language("swift", "Swift", "Swift 5.9 or newer on an Apple system, and no package.", "main.swift", literals.swift, "swift"),
    Language("dart", "Dart", "dart pub add http crypto web_socket_channel (the same in Flutter).", "gesso.dart", literals.dart, "dart"),
    Language(
        "kotlin",
        "Kotlin",
        "OkHttp 4.9 or newer, and org.json, which Android has built in: com.squareup.okhttp3:okhttp, org.json:json",
        "Gesso.kt",
        literals.kotlin,
        "kotlin",
        ("listOf(", ")"),
    ),
    Language(
        "go",
        "Go",
        "Go 1.19 or newer; for live progress: go get github.com/gorilla/websocket",
        "main.go",
        literals.go,
        brackets=("[]string{", "}"),
    ),
    Language(
        "python",
        "Python",
        "Python 3.9 or newer with requests; for live progress also websockets: pip install requests websockets",
        "gesso.py",
        literals.python,
        truth=("False", "True"),
    ),
)
BY_ID = {language.id: language for language in LANGUAGES}


def json_text(content: Any) -> str:
    """JSON for people: two blanks a level, letters of all alphabets as they are."""
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()
