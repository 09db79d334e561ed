"""Extension attributes of the envelope: what CloudEvents 1.0 allows beside the known ones."""

import re
from collections.abc import Mapping
from typing import Any

from services.ingest.core.faults import Fault, fault
from shared.contracts.events import Envelope

KNOWN = frozenset(Envelope.model_fields) | {"type", "dataschema", "data"}
MAX_EXTENSIONS = 32

_NAME = re.compile(r"[a-z0-9]{1,64}")
_MAX_TEXT = 2000


def extension_faults(event: Mapping[str, Any]) -> list[Fault]:
    names = event.keys() - KNOWN
    if not names:
        return []
    if len(names) > MAX_EXTENSIONS:
        return [fault(f"has more than {MAX_EXTENSIONS} extension attributes")]
    return [found for name in sorted(names) if (found := _fault_of(name, event[name]))]


def _fault_of(name: str, value: Any) -> Fault | None:
    if not _NAME.fullmatch(name):
        return fault("an attribute's name has only lower-case letters and digits", name)
    if isinstance(value, str) and len(value) > _MAX_TEXT:
        return fault(f"an extension attribute has at most {_MAX_TEXT} characters", name)
    if not isinstance(value, str | int):
        return fault("an extension attribute is a string, an integer or a boolean", name)
    return None
