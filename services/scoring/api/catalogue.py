"""Indicators and targets as the API shows them."""

from __future__ import annotations

from typing import Any

from services.scoring.core.rules import RuleSet, Target
from shared.contracts.indicators import INDICATORS, Indicator, Text


def indicators() -> list[dict[str, Any]]:
    """The registry of indicators."""
    return [_indicator(indicator) for indicator in INDICATORS.values()]


def targets(rules: RuleSet) -> list[dict[str, Any]]:
    """The targets of one rule set; limits in the unit of their measure, durations in ms."""
    return [_target(target) for target in rules.targets]


def _indicator(indicator: Indicator) -> dict[str, Any]:
    return {
        "id": indicator.id,
        "category": indicator.category,
        "unit": indicator.unit,
        "direction": indicator.direction,
        "kind": indicator.kind,
        "name": _text(indicator.name),
        "definition": _text(indicator.definition),
        "minimum_sample": indicator.minimum_sample,
        "attribution": indicator.attribution,
        "cohort": indicator.cohort,
        "settles_ms": indicator.settles_ms,
        "individual": indicator.individual,
    }


def _target(target: Target) -> dict[str, Any]:
    return {
        "id": target.id,
        "indicator": target.indicator,
        "measure": target.measure,
        "comparison": target.comparison,
        "limit": target.limit,
        "within_ms": target.within_ms,
        "window": target.window,
        "applies_to": [selector.text for selector in target.applies_to],
        "for_ms": target.for_ms,
        "clear": target.clear,
        "minimum_sample": target.minimum_sample,
        "severity": target.severity,
        "evidence": target.evidence,
        "name": _text(target.name),
    }


def _text(text: Text) -> dict[str, str]:
    return {"en": text.en, "zh": text.zh}
