"""Rule files load strictly: every mistake is named with file, line, key and a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from services.scoring.core.rules import RuleHistory, Selector
from services.scoring.rule_files import TEMPLATE, RuleFileError, load_rules
from shared.contracts.indicators import INDICATORS
from shared.contracts.scopes import Scope, department

HOUR_MS = 3_600_000

MINIMAL = """\
format: bellwether-rules/v1
version: v1
valid_from: "2026-01-01T00:00:00+08:00"
name: {en: Test, zh: 测试}
zone: Asia/Shanghai
targets:
  - id: quick
    name: {en: Quick, zh: 快}
    indicator: first_response_time
    measure: p90
    at_most: 5m
    window: 1h
    applies_to: ["department:*"]
"""


def write(directory: Path, text: str, name: str = "rules.yaml") -> Path:
    file = directory / name
    file.write_text(text, encoding="utf-8")
    return file


def mistakes(directory: Path, text: str) -> list[tuple[int, str, str]]:
    with pytest.raises(RuleFileError) as caught:
        load_rules(write(directory, text))
    return [(m.line, m.key, m.message) for m in caught.value.mistakes]


def test_the_packaged_template_loads_and_judges_every_department() -> None:
    history = load_rules(None)
    rules = history.at(0)
    assert history.zone.key == "Asia/Shanghai"
    for name in ("customer-service", "after-sales", "technical-support", "stores", "Group 56"):
        targets = {target.id for target in rules.targets_for(department(name))}
        assert {"resolved-within-24h", "customer-satisfaction", "backlog"} <= targets
        assert rules.limit_ms("resolution_time", name, "", "x") == 24 * HOUR_MS


def test_the_template_says_everything_in_both_languages() -> None:
    for target in load_rules(None).at(0).targets:
        assert target.name.en != target.name.zh


def test_a_target_takes_its_defaults_from_its_indicator(tmp_path: Path) -> None:
    target = load_rules(write(tmp_path, MINIMAL)).at(0).targets[0]
    assert target.limit == target.clear == 300_000
    assert target.minimum_sample == INDICATORS["first_response_time"].minimum_sample
    assert (target.for_ms, target.severity, target.evidence) == (0, "warning", "interval")


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "hint"),
    [
        ("at_most: 5m", "at_most: 5 minutes", 7, "targets[0]", "as in 5m"),
        ("at_most: 5m", "at_most: 99999999999999999999h", 7, "targets[0]", "longer than 100 years"),
        ("at_most: 5m", "at_least: 5m", 7, "targets[0]", "at_most instead"),
        ("measure: p90", "measure: ratio", 7, "targets[0]", "p90"),
        ("indicator: first_response_time", "indicator: smiles", 9, "indicator", "use one of"),
        ("window: 1h", "window: 2h", 12, "window", "'1h'"),
        ('["department:*"]', "[]", 13, "applies_to", "at least 1"),
        ('["department:*"]', '["dept:*"]', 13, "applies_to[0]", "department:D"),
        ("zone: Asia/Shanghai", "zone: Mars/Olympus", 5, "zone", "Asia/Shanghai"),
        ("zone: Asia/Shanghai", "zoone: x", 5, "zoone", "spelling"),
        ("version: v1", "", 1, "version", "add it"),
        ("+08:00", "", 3, "valid_from", "+08:00"),
        ("window: 1h", "window: 1h\n    clear: 6m", 7, "targets[0]", "wrong side"),
        ("window: 1h", "window: 1h\n    within: 6m", 7, "targets[0]", "share_within"),
        ("window: 1h", "window: 1h\n    window: 1h", 13, "window", "twice"),
        ("name: {en: Quick, zh: 快}", "name: {en: Quick}", 8, "zh", "add it"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_a_way_out(
    tmp_path: Path, *, old: str, new: str, line: int, key: str, hint: str
) -> None:
    assert old in MINIMAL
    found = mistakes(tmp_path, MINIMAL.replace(old, new, 1))
    assert any(key in k and line == at and hint in text for at, k, text in found), found


def test_text_that_is_no_yaml_is_named_with_its_line(tmp_path: Path) -> None:
    assert mistakes(tmp_path, MINIMAL + "  bad: [1, 2\n")[0][1] == "yaml"


def test_an_empty_directory_says_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"\*\.yaml"):
        load_rules(tmp_path)


def test_each_moment_has_the_version_that_was_in_force_then(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "a.yaml")
    later = MINIMAL.replace("version: v1", "version: v2").replace("2026-01-01", "2026-07-01")
    write(tmp_path, later, "b.yaml")
    history = load_rules(tmp_path)
    first, second = history.versions
    assert history.at(0) is first
    assert history.at(second.valid_from_ms - 1) is first
    assert history.at(second.valid_from_ms) is second
    assert set(history.digests) == {"v1", "v2"}


def test_versions_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL, "a.yaml")
    write(tmp_path, MINIMAL.replace("version: v1", "version: v2"), "b.yaml")
    with pytest.raises(RuleFileError, match="its own valid_from"):
        load_rules(tmp_path)


def test_the_digest_follows_the_content_and_not_the_layout(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        return load_rules(write(tmp_path, text)).digests["v1"]

    again = yaml.safe_dump(yaml.safe_load(MINIMAL), sort_keys=True, allow_unicode=True)
    assert digest(MINIMAL) == digest("# a comment\n" + MINIMAL) == digest(again)
    assert digest(MINIMAL) != digest(MINIMAL.replace("5m", "6m"))


def share_rules(tmp_path: Path, *selectors_and_limits: tuple[str, str]) -> RuleHistory:
    targets = "".join(
        f"""
  - id: t{number}
    name: {{en: T, zh: 目标}}
    indicator: resolution_time
    measure: share_within
    within: {within}
    at_least: 0.8
    window: 7d
    applies_to: ["{selector}"]"""
        for number, (selector, within) in enumerate(selectors_and_limits)
    )
    head, _, _ = MINIMAL.partition("  - id: quick")
    return load_rules(write(tmp_path, head.rstrip() + targets))


def test_the_most_specific_limit_wins(tmp_path: Path) -> None:
    rules = share_rules(
        tmp_path,
        ("organisation", "48h"),
        ("department:*", "24h"),
        ("department:it", "8h"),
        ("employee:it/ann", "4h"),
    ).at(0)
    limit = rules.limit_ms
    assert limit("resolution_time", "", "", "") == 48 * HOUR_MS
    assert limit("resolution_time", "stores", "t", "bo") == 24 * HOUR_MS
    assert limit("resolution_time", "it", "t", "bo") == 8 * HOUR_MS
    assert limit("resolution_time", "it", "t", "ann") == 4 * HOUR_MS
    assert limit("first_response_time", "it", "t", "ann") is None


def test_a_target_gives_way_where_a_more_specific_limit_judges_the_cases(tmp_path: Path) -> None:
    rules = share_rules(tmp_path, ("department:*", "24h"), ("department:it", "8h")).at(0)
    assert [t.id for t in rules.targets_for(department("it"))] == ["t1"]
    assert [t.id for t in rules.targets_for(department("stores"))] == ["t0"]


def test_one_selector_cannot_set_two_limits(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match="two limits"):
        share_rules(tmp_path, ("department:*", "24h"), ("department:*", "8h"))


@pytest.mark.parametrize(
    ("text", "scope", "matches"),
    [
        ("organisation", Scope("organisation", "", ""), True),
        ("department:*", department("a/b"), True),
        ("department:a%2Fb", department("a/b"), True),
        ("department:a", department("b"), False),
        ("employee:*/*", Scope("employee", "a", "ann"), True),
        ("employee:a/*", Scope("employee", "b", "ann"), False),
        ("employee:*/ann", Scope("employee", "b", "ann"), True),
        ("team:a/x", Scope("employee", "a", "x"), False),
        ("channel:*", Scope("channel", "", "phone"), True),
    ],
)
def test_a_selector_matches_names_and_wildcards(text: str, scope: Scope, matches: bool) -> None:
    selector = Selector.parse(text)
    assert selector.matches(scope) is matches
    assert selector.text == text


def test_the_template_is_part_of_the_package() -> None:
    assert TEMPLATE.is_file()
