"""Commands of AWS's command line that the guides name, held against AWS's own service models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.model import OperationModel, Shape
from botocore.validate import validate_parameters

_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
_REGION = "--region"


def look_up(service: str, wanted: str, options: Iterable[str]) -> OperationModel:
    """The operation of that name, which has these options.

    Raises:
        LookupError: AWS has no such service, operation or option.

    """
    session = botocore.session.get_session()
    if service not in session.get_available_services():
        raise LookupError(f"AWS has no service {service}")
    model = session.get_service_model(service)
    names = {xform_name(name, "-"): name for name in model.operation_names}
    if wanted not in names:
        raise LookupError(f"{service} has no operation {wanted}")
    operation = model.operation_model(names[wanted])
    if unknown := set(options) - {_REGION, *_options(operation)}:
        raise LookupError(f"{service} {wanted} has no option {', '.join(sorted(unknown))}")
    return operation


def check(words: Sequence[str]) -> None:
    """Raise an error, if AWS would not understand what follows `aws`, or would ask for more."""
    service, wanted, *options = words
    operation = look_up(service, wanted, [word for word in options if word.startswith("--")])
    known = _options(operation)
    params: dict[str, Any] = {}
    while options:
        option = options.pop(0)
        if option == _REGION:
            options.pop(0)
        else:
            name, shape = known[option]
            params[name] = _value(shape, options)
    if operation.input_shape:
        validate_parameters(params, operation.input_shape)


def _options(operation: OperationModel) -> dict[str, tuple[str, Shape]]:
    """Name and shape of each parameter, by its option."""
    members = operation.input_shape.members if operation.input_shape else {}
    return {f"--{xform_name(name, '-')}": (name, shape) for name, shape in members.items()}


def _value(shape: Shape, options: list[str]) -> Any:
    """The option's value, taken from what is left of the command; a flag has none."""
    if shape.type_name == "boolean":
        return True
    return _NUMBERS.get(shape.type_name, str)(options.pop(0))
