"""Rule sets for tests, written as a user would write them."""

from __future__ import annotations

import yaml

from services.scoring.core.rules import RuleHistory, RuleSet
from services.scoring.rule_document import RuleDocument

HEAD = """\
format: bellwether-rules/v1
version: test-1
valid_from: "2020-01-01T00:00:00Z"
name: {en: Test, zh: 测试}
zone: UTC
"""
TARGETS = """\
targets:
  - id: next-response
    name: {en: Next replies within 2 hours, zh: 2 小时内后续回复}
    indicator: next_response_time
    measure: share_within
    within: 2h
    at_least: 0.8
    window: 7d
    applies_to: ["department:*"]
"""
EVERYTHING = """\
calendar:
  week: {mon-sun: ["09:00-17:00"]}
surveys:
  csat: {scale: [1, 5]}
  nps: {wording: nps-v1}
  qa: {scale: [0, 100]}
currency: CNY
allocated_cost_minor_per_ticket: 250
"""
"""A calendar, costs, and what surveys must be like."""


def rule_set(*parts: str) -> RuleSet:
    """The rule set of a text's parts; the usual head and targets are added."""
    text = "".join((HEAD, *parts, "" if any("targets:" in p for p in parts) else TARGETS))
    return RuleDocument.model_validate(yaml.safe_load(text)).rule_set()


def history(*parts: str) -> RuleHistory:
    """One version of rules."""
    version = rule_set(*parts)
    return RuleHistory([version], {version.version: "digest"})
