"""The picture of each Model in lists: one that the Model made itself, where there is one."""

from __future__ import annotations

from gesso.domain.model import Model, clean
from gesso.web.static import Static


def cover(static: Static, model: Model) -> str:
    """The address of its picture; empty when there is none. The pictures are made by `docs/make_covers.py`."""
    name = f"covers/{clean(model.owner)}-{clean(model.slug)}.webp"
    return static.url(name) if static.has(name) else ""
