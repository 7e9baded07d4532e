"""Templates to answers: one environment, the words and numbers that all pages write alike, and the headers that guard every page."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import jinja2
import orjson
from markupsafe import Markup
from starlette.responses import HTMLResponse

from gesso import __version__
from gesso.domain.model import clean
from gesso.web.static import Static

_TEMPLATES = Path(__file__).parent / "templates"
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


class Renderer:
    def __init__(self, static: Static) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            auto_reload=False,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(static=static.url, sprite=static.sprite, version=__version__)
        self._templates.filters.update(
            bytes=size_text,
            clean=clean,
            credits=credits_text,
            date=date_text,
            data=data_block,
            iso=iso_text,
            seconds=seconds_text,
            number=number_text,
        )

    def page(self, name: str, context: Mapping[str, Any], status: int = 200) -> HTMLResponse:
        return HTMLResponse(self.text(name, context), status, HEADERS)

    def text(self, name: str, context: Mapping[str, Any]) -> str:
        return self._templates.get_template(name).render(context)


def data_block(content: Any) -> Markup:
    """JSON for a `<script type="application/json">`: nothing in it ends the element."""
    text = orjson.dumps(content).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704 - escaped just here


def size_text(count: int) -> str:
    """Bytes as people read them: 1.4 MB."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def credits_text(amount: Decimal) -> str:
    """An amount of money with as many digits as tell something: 0.0035, 12.50, 0."""
    if not amount:
        return "0"
    if abs(amount) >= 1:
        return f"{amount:,.2f}"
    digits = 1 - amount.adjusted()
    return f"{amount:.{min(digits, 12)}f}"


def seconds_text(us: int) -> str:
    """A duration in microseconds: 6.4 s, 2 min 05 s."""
    seconds = max(0, us) / 1_000_000
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < _MINUTE_S:
        return f"{seconds:.1f} s"
    if seconds < _HOUR_S:
        return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
    return f"{int(seconds // _HOUR_S)} h {int(seconds % _HOUR_S // 60):02d} min"


def number_text(count: float) -> str:
    return f"{count:,}"


def iso_text(at_us: int) -> str:
    """A moment for a `<time datetime>`; the browser says how long ago that is."""
    return datetime.datetime.fromtimestamp(at_us / 1_000_000, datetime.UTC).isoformat(timespec="seconds")


def date_text(at_us: int) -> str:
    return f"{datetime.datetime.fromtimestamp(at_us / 1_000_000, datetime.UTC):%d %b %Y, %H:%M} UTC"
