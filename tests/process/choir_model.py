"""The declaration of the Engine in batching_engines.py, for a whole server."""

from __future__ import annotations

from decimal import Decimal

from gesso.sdk import Group, Kind, Model, Parameter, Price

_VALUES = (
    Parameter("words", Kind.TEXT, default=""),
    Parameter("goes", Kind.TEXT, default="well"),
    Parameter("tune", Kind.TEXT, default="mass"),
    Parameter("voices", Kind.INTEGER, default=1, minimum=1, maximum=3),
)
MODEL = Model(
    owner="lab",
    slug="choir",
    title="Choir",
    description="Repeats words, several Tasks at a time.",
    engine="batching_engines:Chorus",
    groups=(Group("All", _VALUES),),
    price=Price(Decimal("0.5")),
)
