"""Rule sets that promise: limits of several holders, in both clocks, with waiting off the clock."""

from __future__ import annotations

from typing import Any

import yaml

from services.scoring.core.rules import RuleHistory
from services.scoring.rule_document import RuleDocument
from services.scoring.rule_files import digest_of

_TARGET = """
  - id: t{number}
    name: {{en: T, zh: 目标}}
    indicator: {indicator}
    measure: share_within
    within: {within}
    at_least: 0.8
    window: 7d
    applies_to: ["{selector}"]"""

OFFICE_HOURS = 'week: {mon-fri: ["09:00-18:00"]}'


def promise_rules(*limits: tuple[str, str, str], calendar: str = "", **keys: Any) -> RuleHistory:
    """Rules with the limits (indicator, selector, within), and a calendar as in YAML."""
    document = _document(limits, calendar, keys)
    return RuleHistory([document.rule_set()], {document.version: digest_of(document)})


def successive(*histories: RuleHistory) -> RuleHistory:
    """The versions of all."""
    digests = {k: v for history in histories for k, v in history.digests.items()}
    return RuleHistory([v for history in histories for v in history.versions], digests)


def _document(
    limits: tuple[tuple[str, str, str], ...], calendar: str, keys: dict[str, Any]
) -> RuleDocument:
    targets = "".join(
        _TARGET.format(number=number, indicator=indicator, selector=selector, within=within)
        for number, (indicator, selector, within) in enumerate(limits)
    )
    head = {
        "format": "bellwether-rules/v1",
        "version": "v1",
        "valid_from": "2000-01-01T00:00:00+08:00",
        "name": {"en": "Test", "zh": "测试"},
        "zone": "Asia/Shanghai",
        **keys,
    }
    body = yaml.safe_load(f"targets:{targets}")
    if calendar:
        body["calendar"] = yaml.safe_load(calendar)
    return RuleDocument.model_validate({**head, **body})


AROUND_THE_CLOCK = promise_rules(
    ("first_response_time", "organisation", "2h"),
    ("first_response_time", "department:stores", "30m"),
    ("first_response_time", "employee:stores/li.na", "1h"),
    ("resolution_time", "department:*", "10h"),
    ("resolution_time", "department:stores", "5h"),
    exclude_waiting=True,
)
"""Nobody's tickets have a promise of a response, but none of a resolution."""

IN_OFFICE_HOURS = promise_rules(
    ("first_response_time_business", "organisation", "30m"),
    ("resolution_time_business", "department:*", "5h"),
    ("resolution_time_business", "employee:*/li.na", "100m"),
    ("resolution_time", "department:stores", "20h"),
    calendar=OFFICE_HOURS,
    exclude_waiting=True,
    at_risk_share=0.5,
)
