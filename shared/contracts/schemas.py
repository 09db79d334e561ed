"""JSON Schemas (2020-12) of every event type and record format."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from shared.contracts.breaches import Breach
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.events import event_models
from shared.contracts.figures import ScoreRecord
from shared.contracts.measurements import MeasurementBatch, Measurements
from shared.contracts.panes import Cells, PaneRecord, PaneUpdate, Watermark

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

RECORD_TYPES: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "Breach": Breach,
        "DeadLetter": DeadLetter,
        "MeasurementBatch": MeasurementBatch,
        "PaneRecord": PaneRecord,
        "ScoreRecord": ScoreRecord,
    }
)
"""The public record formats by the name that `Topic.value` gives them."""

PRIVATE_RECORDS: Final = frozenset({"ChangelogRecord"})
"""Formats that only their one owner reads: they carry no promise, and have no schema."""

Schema = dict[str, Any]

_STRUCTS: Final[Mapping[str, type[msgspec.Struct]]] = {
    struct.__name__: struct
    for struct in (Cells, MeasurementBatch, Measurements, PaneUpdate, Watermark)
}
"""The formats that are arrays on the wire."""


def event_schemas() -> dict[str, Schema]:
    """By event type. What relates two members (an answer lies on its scale, a correction has what
    its action needs) is beyond JSON Schema: the models check it."""
    return {
        event_type: {
            "$schema": DIALECT,
            "$id": f"urn:bellwether:event:{event_type}:v1",
            **model.model_json_schema(),
        }
        for event_type, model in event_models().items()
    }


def record_schemas() -> dict[str, Schema]:
    """By name of the format. MessagePack records are arrays: ``prefixItems`` gives the order, and
    each item's title the member's name. Columns are base64 here and in the examples, as JSON has
    no bytes; in MessagePack they are bin."""
    return {name: _record_schema(name, record) for name, record in RECORD_TYPES.items()}


def _record_schema(name: str, record: Any) -> Schema:
    (root,), definitions = msgspec.json.schema_components([record])
    return {
        "$schema": DIALECT,
        "$id": f"urn:bellwether:record:{name}:v1",
        **root,
        "$defs": {part: _described(schema) for part, schema in definitions.items()},
    }


def _described(schema: Schema) -> Schema:
    described = {**schema, "description": inspect.cleandoc(schema["description"])}
    if "prefixItems" in schema:
        titles = _member_names(_STRUCTS[schema["title"]])
        described["prefixItems"] = [
            {"title": title, **item}
            for title, item in zip(titles, schema["prefixItems"], strict=True)
        ]
    return described


def _member_names(struct: type[msgspec.Struct]) -> list[str]:
    tag = struct.__struct_config__.tag
    return [*(["tag"] if tag else []), *struct.__struct_fields__]


def schema_files() -> dict[str, Schema]:
    """Every schema by the name of its file under ``docs/schemas``."""
    return {f"{name}.v1.json": one for name, one in {**event_schemas(), **record_schemas()}.items()}
