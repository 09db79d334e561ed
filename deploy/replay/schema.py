"""Prints the JSON Schema of the mapping language: docs/mapping.schema.json is made of it."""

from __future__ import annotations

import json
import sys

from deploy.replay.mapping import json_schema


def schema_text() -> str:
    """The schema as the file has it."""
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:bellwether:mapping:v1",
        **json_schema(),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
