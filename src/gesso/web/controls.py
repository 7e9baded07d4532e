"""How the Run form asks for each parameter: which control, its steps, and what is filled in at first. Pure; templates draw it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from gesso.domain.model import Model
from gesso.domain.parameter import Kind, Parameter, Role, written
from gesso.domain.price import as_text

# Parameters with these names, where a Model has all four, are the margins that the painter's own tool asks for.
EXTENSION = {"left": "extendLeft", "top": "extendTop", "right": "extendRight", "bottom": "extendBottom"}
# Whoever watches a picture being filled wants to see it, so a page asks for previews where programs do not.
_WATCHED = "preview"
_SIZES = ("width", "height")
_SEGMENTS_MAX_COUNT = 4
_SEGMENTS_MAX_CHARACTERS = 30
_STEPPER_MAX_STEPS = 16
_SLIDER_MAX_STEPS = 1_000
_FINE_STEPS = 100
# A range without a step is worth a slider up to here; beyond, nobody finds a number on it.
_SPAN_MAX = 100
_PLAIN = {
    Kind.TEXT: "text",
    Kind.TEXTAREA: "textarea",
    Kind.SEED: "seed",
    Kind.MULTISELECT: "checks",
    Kind.CHECKBOX: "switch",
    Kind.FILE: "file",
    Kind.FILES: "file",
}
_HALF = frozenset({"slider", "stepper", "seed", "size", "number", "segments", "select", "switch"})


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter as a control. `default`: as text, what an untouched form sends. `step`: of its slider, as HTML writes it. `given`: what
    is filled in instead of the default. `problem`: what is wrong with that."""

    parameter: Parameter
    control: str
    default: str
    step: str = "any"
    given: str | None = None
    problem: str = ""

    @property
    def value(self) -> str:
        return self.default if self.given is None else self.given

    @property
    def is_half(self) -> bool:
        """Whether two of the kind stand side by side."""
        return self.control in _HALF

    @property
    def label(self) -> str:
        return self.parameter.label or self.parameter.id

    @property
    def typed_step(self) -> str:
        """What may be typed may be finer than what a slider finds."""
        return "1" if self.parameter.kind is Kind.INTEGER else written(self.parameter.step) if self.parameter.step else "any"

    @property
    def minimum(self) -> str:
        return "" if self.parameter.minimum is None else written(self.parameter.minimum)

    @property
    def maximum(self) -> str:
        return "" if self.parameter.maximum is None else written(self.parameter.maximum)


@dataclass(frozen=True, slots=True)
class Desk:
    """What the Run tab of a Model needs. `picture`, `mask`: parameters that the painter fills, both or neither. `extension`: the margins'
    parameters by side, empty when the Model has none. `painted`: those and the margins as controls, for who has no painter."""

    picture: Parameter | None
    mask: Parameter | None
    extension: dict[str, str]
    extension_most: int
    primary: tuple[Field, ...]
    advanced: tuple[Field, ...]
    painted: tuple[Field, ...] = ()

    @property
    def has_stage(self) -> bool:
        return self.picture is not None and self.mask is not None

    @property
    def has_news(self) -> bool:
        """Whether something that is put away has to be seen."""
        return any(field.problem or field.value != field.default for field in self.advanced)

    def filled(self, values: Mapping[str, str], problems: Mapping[str, str] | None = None) -> Desk:
        """With these values and problems at their controls, by parameter."""

        def fill(fields: tuple[Field, ...]) -> tuple[Field, ...]:
            told = problems or {}
            return tuple(replace(one, given=values.get(one.parameter.id), problem=told.get(one.parameter.id, "")) for one in fields)

        return replace(self, primary=fill(self.primary), advanced=fill(self.advanced), painted=fill(self.painted))

    def for_job(self, names: Collection[str]) -> Desk:
        """With all other controls put away."""
        fields = (*self.primary, *self.advanced)
        return replace(
            self,
            primary=tuple(one for one in fields if one.parameter.id in names),
            advanced=tuple(one for one in fields if one.parameter.id not in names),
        )


def desk_of(model: Model) -> Desk:
    picture, mask = _single(model, Role.PICTURE), _single(model, Role.MASK)
    if picture is None or mask is None:
        picture = mask = None
    has_stage = picture is not None
    extension = EXTENSION if has_stage and all(name in model.by_id for name in EXTENSION.values()) else {}
    painted = {parameter.id for parameter in (picture, mask) if parameter} | set(extension.values())
    fields = [field_of(parameter, has_stage) for parameter in model.parameters if parameter.id not in painted]
    most = min((int(model.by_id[name].maximum or 0) for name in extension.values()), default=0)
    return Desk(
        picture,
        mask,
        extension,
        most,
        tuple(field for field in fields if not field.parameter.advanced),
        tuple(field for field in fields if field.parameter.advanced),
        tuple(field_of(parameter) for parameter in model.parameters if parameter.id in painted),
    )


def field_of(parameter: Parameter, has_stage: bool = False) -> Field:
    """`has_stage`: the form stands beside a picture."""
    default = as_text(parameter.default)
    if parameter.kind is Kind.CHECKBOX:
        is_on = bool(parameter.default) or (has_stage and parameter.id == _WATCHED)
        return Field(parameter, "switch", as_text(is_on))
    if parameter.kind is Kind.SEED:
        # The default is for programs, which want the same again. People want another picture.
        return Field(parameter, "seed", "")
    if parameter.kind is Kind.SELECT:
        return Field(parameter, "segments" if _is_short(parameter) else "select", default)
    if parameter.kind.is_numeric:
        return _number(parameter, default, has_stage)
    return Field(parameter, _PLAIN[parameter.kind], default)


def _number(parameter: Parameter, default: str, has_stage: bool) -> Field:
    step = parameter.step or (1 if parameter.kind is Kind.INTEGER else 0)
    if has_stage and parameter.id in _SIZES and not parameter.default:
        # Zero means the picture's own: the field stays empty and says so.
        return Field(parameter, "size", "", written(step or 1))
    if parameter.minimum is None or parameter.maximum is None or parameter.maximum <= parameter.minimum:
        return Field(parameter, "number", default)
    span = parameter.maximum - parameter.minimum
    if not step and span > _SPAN_MAX:
        return Field(parameter, "number", default)
    if not step:
        step = 10.0 ** math.floor(math.log10(span / _FINE_STEPS))
    steps = span / step
    if parameter.kind is Kind.INTEGER and steps < _STEPPER_MAX_STEPS:
        return Field(parameter, "stepper", default, written(step))
    return Field(parameter, "slider" if steps <= _SLIDER_MAX_STEPS else "number", default, written(step))


def _is_short(parameter: Parameter) -> bool:
    words: Sequence[str] = [option.label or option.value for option in parameter.options]
    return len(words) <= _SEGMENTS_MAX_COUNT and sum(map(len, words)) <= _SEGMENTS_MAX_CHARACTERS


def _single(model: Model, role: Role) -> Parameter | None:
    """The one file parameter of the Model that has the role; None where there is none, or a choice."""
    found = [parameter for parameter in model.parameters if parameter.role is role and parameter.kind is Kind.FILE]
    return found[0] if len(found) == 1 else None
