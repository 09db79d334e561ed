"""A mistake in a mapping is named with its file, line and key, and with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.replay.errors import FileError, MappingError, Problem
from deploy.replay.loading import load_mapping, parse_mapping

FILE = Path("log.yaml")
GOOD = """\
version: 1
name: log
source: crm
columns:
  id: {from: ID}
  state: {from: State}
  moves: {from: Moves, type: integer}
  at: {from: At, type: time, formats: ["%Y-%m-%d %H:%M"]}
case: id
order: [at]
events:
  opened:
    type: ticket.opened
    when: first_row
    time: at
    data: {department: state}
  waiting:
    type: ticket.waiting
    when: {becomes: {state: Waiting}}
    time: at
    data: {"on": {constant: customer}}
"""


def problems(text: str) -> list[Problem]:
    with pytest.raises(MappingError) as caught:
        parse_mapping(FILE, text)
    return list(caught.value.problems)


def test_a_mapping_without_mistakes_is_accepted() -> None:
    assert parse_mapping(FILE, GOOD).source == "crm"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "says"),
    [
        ("source: crm", "sorce: crm", 3, "sorce", "did you mean source?"),
        ("source: crm\n", "", 1, "mapping", "needs the key source"),
        ("version: 1", "version: 2", 1, "version", "should be 1"),
        ("type: integer", "type: int", 7, "columns.moves.type", "'integer'"),
        ("{from: State}", "{}", 6, "columns.state", "exactly one of from, constant and template"),
        ("{from: ID}", "{from: ID, template: x}", 5, "columns.id", "exactly one of"),
        (', formats: ["%Y-%m-%d %H:%M"]', "", 8, "columns.at", "needs formats"),
        ("case: id", "case: ident", 9, "case", "'ident', which the mapping does not have"),
        ("order: [at]", "order: [att]", 10, "order[0]", "did you mean at?"),
        ("when: first_row", "when: firstrow", 14, "events.opened.when", "'first_row'"),
        ("when: first_row", "when: {frist: x}", 14, "events.opened.when", "is no condition"),
        ("when: first_row", "when: {grows: state}", 14, "events.opened.when", "type integer"),
        (
            "when: first_row",
            "when: {changes: stat}",
            14,
            "events.opened.when",
            "did you mean state",
        ),
        ("when: first_row", 'when: {clock: {at: "7"}}', 14, "events.opened.when.clock.at", "match"),
        ("when: first_row", "when: {clock: {at: 10:30}}", 14, "events.opened.when.clock", "quotes"),
        (
            "    time: at\n    data: {dep",
            "    time: id\n    data: {dep",
            15,
            "events.opened.time",
            "time",
        ),
        ("ticket.opened", "ticket.open", 13, "events.opened.type", "did you mean ticket.opened?"),
        ("department: state", "dept: state", 16, "events.opened.data.dept", "no data field of"),
        ('data: {"on": {constant: customer}}', "data: {}", 18, "events.waiting.type", "data.on"),
        ("{constant: customer}", "{konstant: x}", 21, "events.waiting.data.on", "is no value"),
        (
            "{constant: customer}",
            '{template: "{id"}',
            21,
            "events.waiting.data.on.template",
            "partner",
        ),
        ("case: id", "zone: Mars/Phobos\ncase: id", 9, "zone", "is no time zone"),
        ("case: id", "file: {encoding: utf-9}\ncase: id", 9, "file.encoding", "is no encoding"),
        ("case: id", "case: id\ncase: id", 10, "case", "said twice"),
        ("case: id", "case: [id", 10, "yaml", "expected"),
    ],
)
def test_each_mistake_is_found_where_it_is(
    old: str, new: str, line: int, key: str, says: str
) -> None:
    assert old in GOOD
    found = problems(GOOD.replace(old, new, 1))
    assert any(
        (problem.line, problem.key) == (line, key) and says in problem.message for problem in found
    ), [str(problem) for problem in found]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_lines() -> None:
    text = GOOD.replace("case: id", "case: nr").replace("type: ticket.opened", "type: nothing")
    found = problems(text)
    assert [problem.line for problem in found] == [9, 13]
    assert str(found[0]).startswith("log.yaml:9: case: ")


def test_an_empty_mapping_points_to_the_documentation() -> None:
    assert "docs/mapping.md" in problems("")[0].message


def test_an_anchor_that_holds_itself_is_a_mistake_and_no_endless_loop() -> None:
    assert problems("version: &a [*a]\n")


def test_python_tags_are_refused() -> None:
    assert problems("version: !!python/object/apply:os.getcwd []\n")


def test_a_mapping_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    file.write_bytes(b"version: \xff")
    with pytest.raises(MappingError, match="UTF-8"):
        load_mapping(file)


def test_a_missing_mapping_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"none\.yaml: cannot be read"):
        load_mapping(tmp_path / "none.yaml")
