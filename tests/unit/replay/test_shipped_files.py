"""What ships with the replay is right: schema, mappings, and the examples of its documentation."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from deploy.replay.loading import load_mapping, parse_mapping
from deploy.replay.schema import schema_text
from tests.unit.replay.cases import run_file

ROOT = Path(__file__).parents[3]
MAPPINGS = sorted((ROOT / "deploy" / "mappings").glob("*.yaml"))


def blocks(language: str) -> list[str]:
    text = (ROOT / "docs" / "mapping.md").read_text("utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = (ROOT / "docs" / "mapping.schema.json").read_text("utf-8")
    assert published == schema_text(), (
        "run: python -m deploy.replay.schema > docs/mapping.schema.json"
    )


@pytest.mark.parametrize("mapping", MAPPINGS, ids=lambda path: path.stem)
def test_a_shipped_mapping_can_be_used_and_fits_the_schema(mapping: Path) -> None:
    load_mapping(mapping)
    schema = yaml.safe_load(schema_text())
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(mapping.read_text("utf-8")))


def test_both_sample_logs_have_a_mapping() -> None:
    assert {path.stem for path in MAPPINGS} == {"servicenow", "ecommerce"}


def test_the_first_mapping_of_the_documentation_maps_the_log_beside_it(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(blocks("text")[0], "utf-8")
    mapping = parse_mapping(Path("docs/mapping.md"), blocks("yaml")[0])
    assert [
        (event["type"], event["time"], event["data"])
        for event in run_file(tmp_path, mapping, log).events
    ] == [
        ("ticket.opened", "2024-03-01T01:00:00.000Z", {"department": "returns"}),
        (
            "ticket.assigned",
            "2024-03-01T01:04:00.000Z",
            {"department": "returns", "employee": "Li Na"},
        ),
        ("response.sent", "2024-03-01T01:04:00.000Z", {"sender": "employee", "employee": "Li Na"}),
        ("ticket.resolved", "2024-03-01T01:30:00.000Z", {}),
    ]
