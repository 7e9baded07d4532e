"""The files that pages are made of: styles, modules, icons and fonts, each under an address that names the content of all of them.

Modules import one another by relative paths, so one hash over the whole tree lets browsers keep every file for ever, without a table of
names inside the page.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.resources
import mimetypes
import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

_ROOT = Path(__file__).parent / "static"
_PREFIX = "/static"
_STYLE = "gesso.css"
# These come first, because the others overrule them.
_FIRST_STYLES = ("tokens", "base", "controls", "layout")
_FONT_PACKAGE = "font_hanken_grotesk"
_FONTS = {weight: f"HankenGrotesk-{name}.otf" for weight, name in ((400, "Regular"), (500, "Medium"), (600, "SemiBold"), (700, "Bold"))}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".otf": "font/otf", ".svg": "image/svg+xml"}
_COMPRESSED = (".js", ".css", ".svg")
# Doc comments carry the types of our modules, a third of their bytes, and no browser reads them.
_DOC_COMMENT = re.compile(r"/\*\*.*?\*/", re.DOTALL)
_LINE_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class _File:
    content: bytes
    content_type: str
    packed: bytes


class Static:
    """All files, read once."""

    def __init__(self) -> None:
        contents = {path.relative_to(_ROOT).as_posix(): path.read_bytes() for path in sorted(_ROOT.rglob("*")) if path.is_file()}
        icons = {name: contents.pop(name) for name in list(contents) if name.startswith("icons/")}
        styles = {name: contents.pop(name) for name in list(contents) if name.startswith("css/")}
        self.sprite = Markup(_sprite(icons))  # noqa: S704 - our own drawings
        fonts = importlib.resources.files(_FONT_PACKAGE) / "files"
        for weight, name in _FONTS.items():
            contents[f"fonts/{weight}.otf"] = (fonts / name).read_bytes()
        contents["fonts/OFL.txt"] = (fonts / "OFL.txt").read_bytes()
        # Inside a style sheet a relative address starts from where the sheet is.
        contents[_STYLE] = b"\n".join(styles[name] for name in _ordered(styles))
        self._files = {name: _file(name, content) for name, content in contents.items()}
        digest = hashlib.sha256()
        for name in sorted(contents):
            digest.update(name.encode() + b"\0" + contents[name])
        self._hash = digest.hexdigest()[:12]

    def url(self, name: str) -> str:
        """Where browsers find the file. Errors: KeyError when there is none, so that a wrong name fails in the tests."""
        self._files[name]
        return f"{_PREFIX}/{self._hash}/{name}"

    def has(self, name: str) -> bool:
        return name in self._files

    def routes(self) -> list[BaseRoute]:
        async def answer(request: Request) -> Response:
            file = self._files.get(request.path_params["name"])
            if file is None:
                return PlainTextResponse("not found", 404)
            is_current = request.path_params["hash"] == self._hash
            headers = {"cache-control": _FOR_EVER if is_current else "no-cache", "x-content-type-options": "nosniff"}
            if file.packed and "gzip" in request.headers.get("accept-encoding", ""):
                headers |= {"content-encoding": "gzip", "vary": "accept-encoding"}
                return Response(file.packed, headers=headers, media_type=file.content_type)
            return Response(file.content, headers=headers, media_type=file.content_type)

        return [Route(f"{_PREFIX}/{{hash}}/{{name:path}}", answer, methods=["GET"])]


def _file(name: str, content: bytes) -> _File:
    suffix = Path(name).suffix
    if suffix == ".js":
        content = _without_comments(content.decode()).encode()
    content_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    return _File(content, content_type, gzip.compress(content, 9) if suffix in _COMPRESSED else b"")


def _without_comments(module: str) -> str:
    """The module with as many lines, so that a browser's errors name the line of the source."""
    return _LINE_COMMENT.sub("", _DOC_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), module))


def _ordered(styles: dict[str, bytes]) -> list[str]:
    first = [f"css/{name}.css" for name in _FIRST_STYLES]
    return [*first, *sorted(set(styles) - set(first))]


def _sprite(icons: dict[str, bytes]) -> str:
    """Every icon as a symbol `i-NAME`, for one hidden picture in the page."""
    symbols: list[str] = []
    for path, drawing in sorted(icons.items()):
        text = drawing.decode()
        inner = text[text.index(">", text.index("<svg")) + 1 : text.rindex("</svg>")].strip()
        symbols.append(f'<symbol id="i-{Path(path).stem}" viewBox="0 0 20 20">{inner}</symbol>')
    return "".join(symbols)
