"""What EC2 says about ended machines, and moto does not: the reason, the console, and after a while no tags any more.

The code that plays a machine reports about it at `/_local/machines`, one JSON object at a time:

- `{"instance_id", "console"}`: the file that the machine's console is written to;
- `{"instance_id", "ends": [code, message]}`: why it will have ended, if not by EC2's API;
- `{"launches_end": [[code, message], …]}`: the next launches, each of whose machines ends at once;
- `{"tags_fade": true}`: from now on a machine that ends loses its tags.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance, StateReason
from moto.ec2.responses.general import General
from moto.ec2.utils import Base64EncodedString

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONSOLE_BYTES = 64 * 1024
"""How much of the end of a console EC2 keeps."""


@dataclass
class Told:
    consoles: dict[str, Path] = field(default_factory=dict)
    ends: dict[str, tuple[str, str]] = field(default_factory=dict)
    launches_end: list[tuple[str, str]] = field(default_factory=list)
    tags_fade: bool = False


_told = Told()


def apply() -> None:
    """Patch moto in this process; once is enough, twice does no harm."""
    if getattr(Instance, "_ends_patched", False):
        return
    Instance._ends_patched = True
    General.get_console_output = _get_console_output
    original = Instance.terminate

    def terminate(instance: Any) -> Any:
        if instance.state == "terminated":  # the reason stays that of its first end
            return instance.instance_state
        before = original(instance)
        _say_why(instance)
        return before

    Instance.terminate = terminate


def tell(what: Mapping[str, Any]) -> None:
    """Take one of the objects that the module's docstring lists."""
    if "console" in what:
        _told.consoles[what["instance_id"]] = Path(what["console"])
    if "ends" in what:
        code, message = what["ends"]
        _told.ends[what["instance_id"]] = code, message
    _told.launches_end += [(code, message) for code, message in what.get("launches_end", [])]
    _told.tags_fade = bool(what.get("tags_fade", _told.tags_fade))


def launched(instance_ids: Iterable[str]) -> None:
    """Note that a launch has started these instances; those that have to end at once do."""
    for instance_id in instance_ids if _told.launches_end else ():
        _told.ends[instance_id] = _told.launches_end.pop(0)
        for regions in ec2_backends.values():
            for backend in regions.values():
                if instance := backend.get_instance_by_id(instance_id):
                    instance.terminate()


def _say_why(instance: Any) -> None:
    if instance.id in _told.ends:
        code, message = _told.ends.pop(instance.id)
        instance._reason, instance.state_reason = "", StateReason(message, code)
    if _told.tags_fade:
        names = {tag["key"]: None for tag in instance.get_tags()}
        instance.ec2_backend.delete_tags([instance.id], names)


def _get_console_output(response: Any) -> ActionResult:
    """The end of a machine's console; no output if it wrote nothing, such as a machine that never started."""
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    file = _told.consoles.get(instance.id)
    written = file.read_bytes()[-CONSOLE_BYTES:] if file and file.exists() else b""
    output = {"Output": Base64EncodedString.from_raw_string(written.decode("utf-8", "replace"))} if written else {}
    return ActionResult({"InstanceId": instance.id, **output})
