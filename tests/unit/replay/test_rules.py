"""Rows become events as the rules of the mapping say."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.replay.cases import mapping_of, run

DAY = "2024-03-01T"


def fired(folder: Path, when: str, states: list[str]) -> list[int]:
    """The rows (from 0) on which a condition makes an event; one row a minute. A row is
    state|group|moves, the last two may be left out."""
    rule = f"hit:\n  type: ticket.closed\n  when: {when}\n  time: at"
    full = [[*state.split("|"), *["g", "0"][state.count("|") :]] for state in states]
    rows = [["T1", *cells, f"{DAY}10:{n:02d}Z"] for n, cells in enumerate(full)]
    mapped = run(folder, mapping_of(rule), rows)
    return [int(event["time"][14:16]) for event in mapped.events]


@pytest.mark.parametrize(
    ("when", "states", "rows"),
    [
        ("first_row", ["New", "Open", "New"], [0]),
        ("every_row", ["New", "Open"], [0, 1]),
        ("{becomes: {state: Done}}", ["New", "Done", "Done", "New", "Done"], [1, 4]),
        ("{becomes: {state: Done}}", ["Done", "Done"], [0]),
        ("{becomes: {state: [A, B]}}", ["A", "B", "C", "B"], [0, 3]),
        ("{becomes: {state: Done}}", ["Done", "junk", "Done"], [0]),
        ("{leaves: {state: Wait}}", ["Wait", "Wait", "Go", "Wait", "Go"], [2, 4]),
        ("{changes: state}", ["A", "A", "B", "-", "C"], [2, 4]),
        ("{changes: group}", ["A|g1", "A|g1", "A|-", "A|g1"], [2, 3]),
        ("{changes: [state, group]}", ["A|g", "B|g", "B|h", "B|h"], [1, 2]),
        ("{grows: moves}", ["A|g|0", "A|g|2", "A|g|2", "A|g|1", "A|g|5"], [1, 4]),
        ("{grows: moves}", ["A|g|3"], []),
        ("{grows: moves, from: 0}", ["A|g|3", "A|g|3"], [0]),
        ("{first: {not: {is: {state: New}}}}", ["New", "Open", "Open", "New", "Open"], [1]),
        ("{first: {present: group}}", ["A|-", "A|g", "A|-", "A|h"], [1]),
        ("{present: [state, group]}", ["-|g", "A|-", "A|g"], [2]),
        ("{all: [{is: {state: A}}, {not: {is: {group: h}}}]}", ["A|g", "A|h", "B|g"], [0]),
        ("{any: [{is: {state: A}}, {is: {group: h}}]}", ["A|g", "B|h", "B|g"], [0, 1]),
        ("{is: {state: [A, B], group: g}}", ["A|g", "B|h", "B|g", "C|g"], [0, 2]),
        ("{less: [moves, 3]}", ["A|g|2", "A|g|3", "A|g|-"], [0]),
        ('{clock: {at: "10:01"}}', ["A", "A", "A"], [1]),
        ("{first: {first: {is: {state: A}}}}", ["B", "A", "A"], [1]),
    ],
)
def test_a_condition_holds_on_these_rows(
    tmp_path: Path, when: str, states: list[str], rows: list[int]
) -> None:
    assert fired(tmp_path, when, states) == rows


def test_a_counter_that_grows_by_three_makes_three_events_with_ids_of_their_own(
    tmp_path: Path,
) -> None:
    rule = "up:\n  type: ticket.reopened\n  one_per_growth_of: moves\n  time: at"
    mapped = run(
        tmp_path,
        mapping_of(rule),
        [["T1", "A", "g", "1", f"{DAY}10:00Z"], ["T1", "A", "g", "4", f"{DAY}10:05Z"]],
    )
    assert mapped.ids == ["T1:up:1", "T1:up:2", "T1:up:3"]
    assert [event["time"][14:23] for event in mapped.events] == [
        "05:00.000",
        "05:00.001",
        "05:00.002",
    ]


def test_the_first_row_can_count_from_a_stated_start(tmp_path: Path) -> None:
    rule = "up:\n  type: ticket.reopened\n  one_per_growth_of: moves\n  growth_from: 0\n  time: at"
    mapped = run(tmp_path, mapping_of(rule), [["T1", "A", "g", "2", f"{DAY}10:00Z"]])
    assert mapped.ids == ["T1:up:1", "T1:up:2"]


def test_a_guard_withholds_the_event_and_is_counted_by_its_reason(tmp_path: Path) -> None:
    rule = (
        "done:\n  type: ticket.closed\n  time: at\n  unless:\n"
        '    - {reason: time lost, when: {clock: {at: "00:00"}}}'
    )
    rows = [["T1", "A", "g", "0", f"{DAY}00:00"], ["T2", "A", "g", "0", f"{DAY}00:01"]]
    mapped = run(tmp_path, mapping_of(rule), rows)
    assert mapped.ids == ["T2:done:1"]
    assert dict(mapped.tally.withheld) == {"done: time lost": 1}
    assert mapped.rejects == []


def test_the_clock_of_a_guard_is_the_one_that_the_file_shows(tmp_path: Path) -> None:
    rule = 'done:\n  type: ticket.closed\n  time: at\n  when: {clock: {at: "00:00"}}'
    mapping = mapping_of(rule).in_zone("Asia/Shanghai")
    mapped = run(tmp_path, mapping, [["T1", "A", "g", "0", f"{DAY}00:00"]])
    assert [event["time"] for event in mapped.events] == ["2024-02-29T16:00:00.000Z"]


def test_rows_of_a_case_are_taken_in_the_order_of_their_keys_wherever_they_stand(
    tmp_path: Path,
) -> None:
    rule = "open:\n  type: ticket.opened\n  when: first_row\n  time: at\n  data: {channel: state}"
    rows = [
        ["T1", "late", "g", "0", f"{DAY}10:09Z"],
        ["T2", "other", "g", "0", f"{DAY}10:05Z"],
        ["T1", "early", "g", "0", f"{DAY}10:01Z"],
    ]
    mapped = run(tmp_path, mapping_of(rule), rows)
    assert [event["data"]["channel"] for event in mapped.events] == ["early", "other"]


def test_values_come_from_columns_constants_templates_tables_and_other_columns(
    tmp_path: Path,
) -> None:
    rule = """
open:
  type: ticket.opened
  when: first_row
  time: {earliest: [at]}
  data:
    department: {column: group, default: nowhere}
    team: {constant: first-line}
    employee: {first_of: [group, state]}
    channel: {template: "{state}-{moves}"}
    category: {translate: state, values: {A: alpha}, otherwise: rest}
    customer: {template: "{group}"}
"""
    mapped = run(tmp_path, mapping_of(rule), [["T1", "A", "-", "7", f"{DAY}10:00Z"]])
    assert mapped.events[0]["data"] == {
        "department": "nowhere",
        "team": "first-line",
        "employee": "A",
        "channel": "A-7",
        "category": "alpha",
    }


def test_elapsed_time_between_two_columns_becomes_milliseconds(tmp_path: Path) -> None:
    head = """\
version: 1
name: test
source: crm
columns:
  id: {from: id}
  a: {from: a, type: time, formats: [unix_seconds]}
  b: {from: b, type: time, formats: [unix_milliseconds]}
case: id
events:
"""
    rule = (
        "m:\n  type: response.measured\n  time: b\n"
        "  data: {metric: {constant: first_response_time}, duration_ms: {elapsed: [a, b]}}"
    )
    mapped = run(
        tmp_path,
        mapping_of(rule, head=head),
        [["T1", "1700000000", "1700000002500"], ["T2", "1700000009", "1700000000000"]],
        fields=("id", "a", "b"),
    )
    assert [event["data"]["duration_ms"] for event in mapped.events] == [2500]
    assert mapped.rejects[0]["event"] == "m"


def test_facts_of_one_instant_keep_the_order_of_the_log(tmp_path: Path) -> None:
    rules = """
assigned: {type: ticket.assigned, when: {changes: group}, time: at, data: {department: group}}
done: {type: ticket.resolved, when: {becomes: {state: Done}}, time: at}
reply: {type: response.sent, when: first_row, time: at, data: {sender: {constant: employee}}}
"""
    at = f"{DAY}10:00Z"
    rows = [
        ["T1", "Done", "g", "0", at],
        ["T1", "Open", "h", "0", at],
        ["T1", "Done", "h", "0", at],
    ]
    mapped = run(tmp_path, mapping_of(rules), rows)
    assert [(event["type"], event["time"][17:23]) for event in mapped.events] == [
        ("ticket.resolved", "00.000"),
        ("response.sent", "00.000"),
        ("ticket.assigned", "00.001"),
        ("ticket.resolved", "00.001"),
    ]
    assert mapped.tally.stepped == 2


def test_equal_times_stay_equal_when_the_mapping_wants_them_kept(tmp_path: Path) -> None:
    head_rule = "up:\n  type: ticket.reopened\n  one_per_growth_of: moves\n  time: at"
    mapping = mapping_of(head_rule).model_copy(update={"same_instant": "keep"})
    rows = [["T1", "A", "g", "0", f"{DAY}10:00Z"], ["T1", "A", "g", "2", f"{DAY}10:05Z"]]
    mapped = run(tmp_path, mapping, rows)
    assert {event["time"] for event in mapped.events} == {"2024-03-01T10:05:00.000Z"}


def test_a_row_that_the_mapping_rejects_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    head_rule = "move:\n  type: ticket.closed\n  when: {changes: group}\n  time: at"
    mapping = mapping_of(head_rule)
    text = mapping.model_dump(by_alias=True, exclude_unset=True)
    text["reject"] = [{"reason": "a test ticket", "when": {"is": {"state": "Test"}}}]
    guarded = type(mapping).model_validate(text)
    rows = [
        ["T1", "A", "g", "0", f"{DAY}10:00Z"],
        ["T1", "Test", "h", "0", f"{DAY}10:01Z"],
        ["T1", "A", "g", "0", f"{DAY}10:02Z"],
    ]
    mapped = run(tmp_path, guarded, rows)
    assert mapped.events == []
    assert [(reject["row"], reject["reason"]) for reject in mapped.rejects] == [
        (2, "a test ticket")
    ]


def test_ids_can_be_built_from_columns(tmp_path: Path) -> None:
    rule = "c:\n  type: ticket.closed\n  time: at\n  id: [moves]"
    rows = [["T1", "A", "g", n, f"{DAY}10:0{n}Z"] for n in "123"]
    assert run(tmp_path, mapping_of(rule), rows).ids == ["T1:c:1:1", "T1:c:2:1", "T1:c:3:1"]


def test_a_long_id_is_shortened_to_a_digest_that_is_always_the_same(tmp_path: Path) -> None:
    rule = "c:\n  type: ticket.closed\n  time: at\n  id: [group]"
    row = ["T1", "A", "g" * 300, "0", f"{DAY}10:00Z"]
    first, second = (run(tmp_path, mapping_of(rule), [row]).ids for _ in range(2))
    assert first == second
    assert len(first[0]) == 64


def test_an_event_that_breaks_the_contract_is_rejected_alone(tmp_path: Path) -> None:
    rules = """
open: {type: ticket.opened, when: first_row, time: at, data: {department: group}}
shut: {type: ticket.closed, when: first_row, time: at}
"""
    mapped = run(tmp_path, mapping_of(rules), [["T1", "A", "x" * 201, "0", f"{DAY}10:00Z"]])
    assert mapped.ids == ["T1:shut:1"]
    assert mapped.rejects[0]["event"] == "open"
    assert "department" in mapped.rejects[0]["reason"]
    assert (mapped.tally.rejected_rows, mapped.tally.rejected_events) == (0, 1)


def test_replaying_twice_gives_identical_events(tmp_path: Path) -> None:
    rule = "c:\n  type: ticket.closed\n  time: at"
    rows = [[f"T{n % 3}", "A", "g", "0", f"{DAY}10:{n:02d}Z"] for n in range(20)]
    mapping = mapping_of(rule)
    assert run(tmp_path, mapping, rows).events == run(tmp_path, mapping, rows).events


def test_a_shuffle_sends_the_same_events_in_another_order_within_its_bound(tmp_path: Path) -> None:
    rule = "c:\n  type: ticket.closed\n  time: at"
    rows = [[f"T{n}", "A", "g", "0", f"{DAY}10:{n:02d}Z"] for n in range(60)]
    mapping = mapping_of(rule)
    straight = run(tmp_path, mapping, rows).ids
    shuffled = run(tmp_path, mapping, rows, shuffle_ms=300_000, seed=1).ids
    assert shuffled != straight
    assert sorted(shuffled) == sorted(straight)
    assert run(tmp_path, mapping, rows, shuffle_ms=300_000, seed=1).ids == shuffled
    assert run(tmp_path, mapping, rows, shuffle_ms=300_000, seed=2).ids != shuffled
    assert max(abs(shuffled.index(name) - place) for place, name in enumerate(straight)) <= 6
