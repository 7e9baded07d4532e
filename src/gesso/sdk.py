"""What a model author imports: `from gesso.sdk import Model, Parameter, Output, ...`."""

from gesso.domain.model import Group, Model, Needs, Readiness
from gesso.domain.parameter import Kind, Option, Parameter, Role
from gesso.domain.price import Price, PriceMethod, PriceRule
from gesso.models.contract import (
    BatchingEngine,
    Device,
    Emit,
    Engine,
    Fit,
    InputError,
    InputFile,
    Killed,
    MadeWith,
    Output,
    Part,
)

__all__ = [
    "BatchingEngine",
    "Device",
    "Emit",
    "Engine",
    "Fit",
    "Group",
    "InputError",
    "InputFile",
    "Killed",
    "Kind",
    "MadeWith",
    "Model",
    "Needs",
    "Option",
    "Output",
    "Parameter",
    "Part",
    "Price",
    "PriceMethod",
    "PriceRule",
    "Readiness",
    "Role",
]
