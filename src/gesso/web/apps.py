"""Apps: one job each over the Models that fill, with the words that the job needs already in the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gesso.domain.model import Model
from gesso.domain.parameter import Role

_EXTENDING = "extendRight"
_PROMPT = "prompt"


@dataclass(frozen=True, slots=True)
class App:
    """`values`: what the form is filled with. `controls`: which of it are in sight, all others being put away. `needs_prompt`,
    `extends`: what its Models must be able to do. `favourite`: the Model that is taken first where it can run."""

    slug: str
    title: str
    text: str
    steps: tuple[str, ...]
    icon: str
    values: dict[str, str] = field(default_factory=dict)
    controls: tuple[str, ...] = (_PROMPT,)
    needs_prompt: bool = True
    extends: bool = False
    favourite: str = "black-forest-labs/FLUX.1-Fill-dev"

    @property
    def tool(self) -> str:
        """That of the painter which is in hand at first; empty for its own choice."""
        return "extend" if self.extends else ""

    def suits(self, model: Model) -> bool:
        roles = {parameter.role for parameter in model.parameters}
        has_prompt = _PROMPT in model.by_id
        return (
            {Role.PICTURE, Role.MASK} <= roles and (has_prompt or not self.needs_prompt) and (_EXTENDING in model.by_id or not self.extends)
        )

    def choose(self, models: Sequence[Model]) -> Model | None:
        """The best of `models` for the job; None when none of them can do it."""
        fitting = [model for model in models if self.suits(model)]
        return next((model for model in fitting if model.name == self.favourite), fitting[0] if fitting else None)

    def href(self, model: Model) -> str:
        """The Model's form with the App's values in it."""
        known = {name: value for name, value in self.values.items() if name in model.by_id}
        return f"/models/{model.clean_name}?{urlencode({'app': self.slug} | known)}"


APPS = (
    App(
        "remove-object",
        "Remove object",
        "Paint over what should not be there. It is filled from what surrounds it.",
        ("Open a picture", "Paint over the object, a little beyond its edge and its shadow", "Run"),
        "eraser",
        needs_prompt=False,
        favourite="gesso/heal",
    ),
    App(
        "replace-object",
        "Replace object",
        "Paint over one thing and say what should stand there instead.",
        ("Open a picture", "Paint over the object", "Say what you want to see in its place", "Run"),
        "rerun",
    ),
    App(
        "extend-picture",
        "Extend picture",
        "Go on beyond the edge: a wider view, another format.",
        ("Open a picture", "Drag its edges outwards, or choose a format", "Say what the whole shows", "Run"),
        "extend",
        extends=True,
    ),
    App(
        "change-background",
        "Change background",
        "Keep the subject and put it somewhere else.",
        ("Open a picture", "Paint the subject and press I to invert the mask", "Describe the new background", "Run"),
        "picture",
    ),
    App(
        "product-scene",
        "Product scene",
        "Set a product on a table, a beach or a shelf, its own pixels untouched.",
        ("Open a picture of the product", "Paint the product and press I to invert the mask", "Change the words to your scene", "Run"),
        "easel",
        {_PROMPT: "A product photograph on a light oak table, soft window light, shallow depth of field"},
    ),
)


def app_named(slug: str) -> App | None:
    return next((app for app in APPS if app.slug == slug), None)
