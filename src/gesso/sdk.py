"""What a model author imports: `from gesso.sdk import Model, Parameter, Output, ...`."""

from gesso.domain.model import Group, Model, Needs, Readiness
from gesso.domain.parameter import Kind, Option, Parameter, Role
from gesso.domain.price import Price, PriceMethod, PriceRule
from gesso.models.contract import Device, Emit, Engine, InputError, InputFile, Killed, MadeWith, Output

__all__ = [
    "Device",
    "Emit",
    "Engine",
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
    "Price",
    "PriceMethod",
    "PriceRule",
    "Readiness",
    "Role",
]
