"""Models and devices that a command line names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelyard.findings import UserError
from modelyard.wording import nearest

if TYPE_CHECKING:
    from modelyard.catalog import Device
    from modelyard.sizing import DevicePart


def unknown_model(model_id: str) -> UserError:
    """Return the refusal for a model whose shape nobody knows."""
    from modelyard.catalog import models

    near = nearest(model_id, models())
    first = f"did you mean {near}; or " if near else ""
    return UserError(
        f"the shape of {model_id} is not in the catalogue",
        fix=f"{first}add it: modelyard catalog add {model_id} --config config.json",
    )


def known_part(name: str | None) -> DevicePart:
    """Return a device by its name, or a part of one: a MIG profile, or a share.

    Raises:
        UserError: None was named, or there is none of that name.
    """
    from modelyard.sizing import DevicePart, device_part

    try:
        found = device_part(name) if name is not None else None
    except ValueError as problem:
        raise UserError(str(problem), fix="name a profile of the device, such as H100 1g.10gb") from None
    if found is None:
        device = known_device(name)
        return DevicePart(device, device.name)
    return found


def known_device(name: str | None) -> Device:
    """Return a device by its name.

    Raises:
        UserError: None was named, or there is none of that name.
    """
    from modelyard.catalog import device, devices

    listed = ", ".join(dict.fromkeys(each.name for each in devices()))
    if name is None:
        raise UserError("--device is missing", fix=f"name one of {listed}")
    found = device(name)
    if found is None:
        raise UserError(f"there is no device {name}", fix=f"name one of {listed}")
    return found
