"""What `docs` says of the contract is what the code does."""

import json
from pathlib import Path
from typing import Any, cast

import jsonschema
import msgspec
import pytest
from referencing import Registry, Resource

from shared.contracts.asyncapi import document
from shared.contracts.decode import decode_event
from shared.contracts.events import event_models, validate_event
from shared.contracts.examples import EVENTS, RECORDS
from shared.contracts.generate import COMMAND, generated_files, main, stale_files
from shared.contracts.indicators import INDICATOR_IDS
from shared.contracts.schemas import event_schemas, record_schemas, schema_files
from shared.contracts.topics import TOPICS
from tests.unit.contracts.hostile_texts import BASE

CHECKOUT = Path(__file__).resolve().parents[3]
DOCS = CHECKOUT / "docs"
SCHEMAS = CHECKOUT / "console" / "node_modules" / "@asyncapi" / "specs" / "schemas"
"""The AsyncAPI Initiative's own schemas: `make test` installs them with the console's packages."""
OFFICIAL = SCHEMAS / "3.1.0-without-$id.json"


def _event_id(event: Any) -> str:
    return f"{event['id']} {event['type']}"


@pytest.mark.parametrize("name", generated_files())
def test_a_published_file_is_what_the_contracts_say_now(name: str) -> None:
    published = (DOCS / name).read_text(encoding="utf-8") if (DOCS / name).exists() else ""
    assert published == generated_files()[name], f"docs/{name} is out of date: run `{COMMAND}`"


def test_no_schema_is_published_that_nothing_declares() -> None:
    assert stale_files(DOCS, generated_files()) == [], f"run `{COMMAND}`"


def test_generating_writes_what_is_wanted_and_removes_what_is_not(tmp_path: Path) -> None:
    stale = tmp_path / "schemas" / "ticket.gone.v1.json"
    stale.parent.mkdir()
    stale.write_text("{}")
    assert main([str(tmp_path)]) == 0
    written = {
        path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8")
        for path in tmp_path.rglob("*.*")
    }
    assert written == generated_files()


def test_generating_without_a_directory_says_how_to_call_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert COMMAND in capsys.readouterr().err


@pytest.mark.parametrize("name", schema_files())
def test_a_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_files()[name])


def test_every_event_type_has_an_example() -> None:
    assert {event["type"] for event in EVENTS} == set(event_models())


@pytest.mark.parametrize("event", EVENTS, ids=_event_id)
def test_an_example_event_passes_its_schema_and_both_decoders(event: Any) -> None:
    text = json.dumps(event).encode()
    jsonschema.validate(event, event_schemas()[event["type"]])
    assert decode_event(text).subject == validate_event(text).subject == event["subject"]


@pytest.mark.parametrize("name", RECORDS)
def test_an_example_record_passes_its_schema(name: str) -> None:
    for record in RECORDS[name]:
        plain = msgspec.json.decode(msgspec.json.encode(record))
        jsonschema.validate(plain, record_schemas()[name])


@pytest.mark.parametrize(
    "change",
    [
        {"specversion": "0.3"},
        {"subject": ""},
        {"id": " x"},
        {"data": {"duration_ms": -1}},
        {"data": {"duration_ms": 5, "mood": "good"}},
        {"data": {"duration_ms": 5, "currency": "cny"}},
        {"dataschema": "urn:bellwether:event:ticket.opened:v1"},
        {"type": "ticket.opened"},
        {"time": None},
    ],
)
def test_a_schema_refuses_what_the_decoders_refuse(change: dict[str, Any]) -> None:
    schema = event_schemas()["ticket.handled"]
    jsonschema.validate(json.loads(BASE), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(BASE), **change}, schema)


def test_the_asyncapi_document_is_valid_by_the_official_schema() -> None:
    official = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(official).validate(document())


def test_the_official_schema_refuses_a_document_that_is_wrong() -> None:
    wrong = document()
    wrong["operations"]["ingest.send.tickets"]["action"] = "publish"
    official = json.loads(OFFICIAL.read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(official).validate(wrong)


def test_the_asyncapi_document_shows_every_topic_with_its_writers_and_readers() -> None:
    operations = {
        (operation["action"], operation["tags"][0]["name"], operation["channel"]["$ref"])
        for operation in document()["operations"].values()
    }
    assert operations == {
        (action, service, f"#/channels/{topic.name}")
        for topic in TOPICS.values()
        for action, services in (("send", topic.producers), ("receive", topic.consumers))
        for service in services
    }


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    whole: Any = Resource.opaque(document())
    files = {
        f"schemas/{name}": Resource.from_contents(schema) for name, schema in schema_files().items()
    }
    registry: Any = Registry().with_resources([("", whole), *files.items()])
    references = set(_references(document()))
    assert len(references) > len(TOPICS)
    for reference in references:
        assert registry.resolver().lookup(reference).contents


def _references(value: Any) -> list[str]:
    if isinstance(value, list):
        return [found for item in value for found in _references(item)]
    if not isinstance(value, dict):
        return []
    own = [cast(str, value["$ref"])] if isinstance(value.get("$ref"), str) else []
    return own + [found for item in value.values() for found in _references(item)]


def test_the_guide_has_one_section_for_each_indicator() -> None:
    guide = generated_files()["indicators.md"]
    sections = [line[3:] for line in guide.splitlines() if line.startswith("## ")]
    assert sections == list(INDICATOR_IDS)
