from datetime import timedelta
from typing import Any

import orjson
import pytest

from services.ingest.core.admission import MAX_EVENT_BYTES, Admitted, Refused, admit
from shared.contracts.decode import decode_event
from tests.unit.ingest.samples import ANY_KEY, NOW, answered, opened, received


def admitted(item: Any, **options: Any) -> Admitted:
    decision = admit(item, received(**options))
    assert isinstance(decision, Admitted), decision
    return decision


def pointers(item: Any, **options: Any) -> list[str]:
    decision = admit(item, received(**options))
    assert isinstance(decision, Refused), decision
    return [fault["pointer"] for fault in decision.faults]


def test_a_good_event_is_published_under_its_ticket_with_the_time_it_was_received() -> None:
    decision = admitted(opened())
    assert (decision.topic, decision.key) == ("tickets", b"T-1")
    assert orjson.loads(decision.value) == {**opened(), "receivedtime": "2026-03-01T12:00:00.000Z"}


@pytest.mark.parametrize(
    ("event_type", "data", "topic"),
    [
        ("ticket.resolved", {}, "tickets"),
        ("response.sent", {"sender": "employee"}, "response-times"),
        ("survey.sent", {"kind": "csat"}, "surveys"),
    ],
)
def test_the_type_decides_the_topic(event_type: str, data: dict[str, str], topic: str) -> None:
    assert admitted(opened(type=event_type, data=data)).topic == topic


def test_what_is_published_is_what_consumers_decode() -> None:
    event = decode_event(admitted(answered(subject="票-1")).value)
    assert event.subject == "票-1"
    assert event.receivedtime == NOW


def test_a_received_time_that_the_source_claims_is_replaced() -> None:
    decision = admitted(opened(receivedtime="1999-01-01T00:00:00Z"))
    assert decode_event(decision.value).receivedtime == NOW


def test_extension_attributes_are_published_too() -> None:
    decision = admitted(opened(traceparent="00-abc-01", priority2=7))
    value = orjson.loads(decision.value)
    assert (value["traceparent"], value["priority2"]) == ("00-abc-01", 7)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Trace": "x"}, ["/Trace"]),
        ({"data_base64": "eA=="}, ["/data_base64"]),
        ({"a/b~c": "x"}, ["/a~1b~0c"]),
        ({"nested": {"a": 1}}, ["/nested"]),
        ({"ratio": 0.5}, ["/ratio"]),
        ({"long": "x" * 2001}, ["/long"]),
        ({f"x{n}": n for n in range(33)}, [""]),
    ],
)
def test_an_extension_attribute_that_cloudevents_forbids_is_named(
    changes: dict[str, Any], expected: list[str]
) -> None:
    assert pointers(opened(**changes)) == expected


def test_every_mistake_of_an_event_is_named_at_once() -> None:
    item = opened(
        id="", time="yesterday", source="crm-b", Bad=1, data={"department": 5, "colour": "red"}
    )
    found = pointers(item)
    assert sorted(found) == sorted(
        ["/id", "/time", "/source", "/Bad", "/data/department", "/data/colour"]
    )


@pytest.mark.parametrize("event_type", [None, "", "ticket.vanished", 5])
def test_a_type_that_is_none_is_named(event_type: Any) -> None:
    assert "/type" in pointers(opened(type=event_type))


def test_a_fault_in_nested_data_is_named_by_its_place() -> None:
    data = {"kind": "csat", "scale": {"min": 1, "max": "five"}, "value": 4}
    assert pointers(answered(data=data)) == ["/data/scale/max"]


@pytest.mark.parametrize("item", [None, 5, "event", [], [opened()]])
def test_what_is_no_object_is_no_event(item: Any) -> None:
    assert pointers(item) == [""]


@pytest.mark.parametrize(("minutes", "good"), [(5, True), (5.001, False), (60 * 24, False)])
def test_an_event_from_the_future_is_refused(minutes: float, good: bool) -> None:
    time = (NOW + timedelta(minutes=minutes)).isoformat()
    decision = admit(opened(time=time), received())
    assert isinstance(decision, Admitted) is good
    if isinstance(decision, Refused):
        assert [fault["pointer"] for fault in decision.faults] == ["/time"]


def test_the_future_is_measured_in_absolute_time_and_not_by_the_clock_face() -> None:
    assert admitted(opened(time="2026-03-01T20:01:00+08:00"))
    assert pointers(opened(time="2026-03-01T12:01:00-08:00")) == ["/time"]


def test_an_event_from_before_the_year_2000_is_refused() -> None:
    assert pointers(opened(time="1970-01-21T10:00:00Z")) == ["/time"]


def test_a_time_without_zone_is_refused() -> None:
    assert pointers(opened(time="2026-03-01T11:59:00")) == ["/time"]


def test_a_source_that_the_key_does_not_name_is_refused() -> None:
    assert pointers(opened(source="crm-b")) == ["/source"]
    assert admitted(opened(source="crm-b"), key=ANY_KEY)


def test_an_event_that_is_too_large_is_refused() -> None:
    extensions = {f"x{n}": "y" * 2000 for n in range(32)}
    data = {"kind": "csat", "scale": {"min": 1, "max": 5}, "value": 4, "comment": "好" * 4000}
    assert admitted(answered(data=data, **extensions)), "no good event comes near the limit"
    assert len(admitted(answered(data=data, **extensions)).value) < MAX_EVENT_BYTES


def test_a_refused_event_is_still_known_by_its_id() -> None:
    decision = admit(opened(time="never"), received())
    assert isinstance(decision, Refused)
    assert (decision.id, decision.type) == ("e-1", "ticket.opened")


@pytest.mark.parametrize("bad_id", [5, None, ["x"], "y" * 5000])
def test_an_id_that_is_no_name_is_not_repeated(bad_id: Any) -> None:
    decision = admit(opened(id=bad_id), received())
    assert isinstance(decision, Refused)
    assert decision.id is None
