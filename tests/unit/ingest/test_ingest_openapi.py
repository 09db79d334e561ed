from typing import Any

import pytest

from services.ingest.core.admission import Admitted, admit
from services.ingest.main import build_app
from services.ingest.settings import IngestSettings
from tests.unit.ingest.samples import received


@pytest.fixture
def operation() -> dict[str, Any]:
    document = build_app(IngestSettings()).openapi()
    found: dict[str, Any] = document["paths"]["/v1/events"]["post"]
    assert document["components"]["securitySchemes"].keys() == {"bearer", "apiKey"}
    return found


def test_every_example_of_a_request_is_accepted_by_the_service(operation: dict[str, Any]) -> None:
    for media_type, content in operation["requestBody"]["content"].items():
        for name, example in content["examples"].items():
            value = example["value"]
            for event in value if isinstance(value, list) else [value]:
                assert isinstance(admit(event, received()), Admitted), (media_type, name)


def test_every_answer_that_a_client_must_handle_is_described(operation: dict[str, Any]) -> None:
    assert {"202", "401", "413", "415", "422", "503"} <= operation["responses"].keys()
    for status in ("401", "413", "415", "422", "503"):
        assert "application/problem+json" in operation["responses"][status]["content"]


def test_the_operation_asks_for_a_key(operation: dict[str, Any]) -> None:
    assert operation["security"] == [{"bearer": []}, {"apiKey": []}]
