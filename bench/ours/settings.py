"""What a variant is told, as one JSON argument."""

from __future__ import annotations

import sys
from typing import Literal

import msgspec


class VariantSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``events`` is how many records the source topic holds, closing events included."""

    bootstrap: str
    source: str
    sink: str
    name: str
    directory: str
    events: int
    partitions: int
    job: Literal["common", "rolling", "full"]
    lateness_ms: int
    client: Literal["aiokafka", "confluent"] = "aiokafka"
    decoder: Literal["contract", "compiled"] = "contract"


def from_arguments() -> VariantSettings:
    """The settings given on the command line."""
    return msgspec.json.decode(sys.argv[1], type=VariantSettings)
