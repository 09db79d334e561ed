"""Rule sets: what is expected of whom, and how a score is made of figures.

A rule set is an immutable version; a history holds all versions of one organisation. Limits are
shares of 1 for ``ratio`` and ``share_within``, plain numbers for ``value``, and for percentiles and
means in the indicator's unit: milliseconds, minor units, shares of the scale or points.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Final, Literal, NamedTuple, get_args
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from services.scoring.core.calendars import Calendar
from shared.contracts.breaches import Severity
from shared.contracts.figures import WindowName
from shared.contracts.indicators import Text
from shared.contracts.scopes import SCOPE_KINDS, Scope, ScopeKind

Measure = Literal["ratio", "share_within", "p50", "p90", "p95", "p99", "mean", "value"]
MEASURES: Final[tuple[Measure, ...]] = get_args(Measure)
Comparison = Literal["at_least", "at_most"]
Evidence = Literal["interval", "value"]
MissingPolicy = Literal["exclude_and_renormalise", "withhold"]

MEASURES_OF_KIND: Final[Mapping[str, tuple[Measure, ...]]] = {
    "duration": ("share_within", "p50", "p90", "p95", "p99", "mean"),
    "ratio": ("ratio",),
    "count": ("value",),
    "gauge": ("value",),
    "amount": ("p50", "p90", "p95", "p99", "mean"),
    "rating": ("mean",),
    "balance": ("mean",),
    "derived": ("value",),
}
"""Which measures an indicator's kind allows."""

HOLDER_KINDS: Final = ("organisation", "department", "team", "employee")
"""Who can hold a ticket, the most general first."""
_WILDCARD: Final = "*"


class SelectorError(ValueError):
    """The text selects no scopes."""


class Selector(NamedTuple):
    """Scopes of one kind; None stands for ``*``: any department, any name."""

    kind: ScopeKind
    department: str | None
    id: str | None

    def matches(self, scope: Scope) -> bool:
        """Whether the selector includes the scope."""
        return (
            scope.kind == self.kind
            and self.department in (None, scope.department)
            and self.id in (None, scope.id)
        )

    @property
    def specificity(self) -> tuple[int, int]:
        """Greater is more specific: an employee before a team, a name before ``*``."""
        named = (self.department is not None) + (self.id is not None)
        return SCOPE_KINDS.index(self.kind), named

    @property
    def text(self) -> str:
        """The inverse of `parse`."""
        if self.kind == "organisation":
            return "organisation"
        if self.kind in ("team", "employee"):
            return f"{self.kind}:{_quoted(self.department)}/{_quoted(self.id)}"
        return f"{self.kind}:{_quoted(self.id)}"

    @classmethod
    def parse(cls, text: str) -> Selector:
        """A scope's text form in which a name may be ``*``; raises `SelectorError`."""
        kind, _, rest = text.partition(":")
        parts = [None if part == _WILDCARD else unquote(part) for part in rest.split("/")]
        if kind == "organisation" and not rest:
            return cls("organisation", "", "")
        if kind == "department" and len(parts) == 1 and parts[0] != "":
            return cls("department", parts[0], parts[0])
        if kind in ("channel", "category") and len(parts) == 1 and parts[0] != "":
            return cls(kind, "", parts[0])  # type: ignore[arg-type]  # narrowed by the test above
        if kind in ("team", "employee") and len(parts) == 2 and "" not in parts:
            return cls(kind, parts[0], parts[1])  # type: ignore[arg-type]  # narrowed by the test above
        raise SelectorError(
            f"{text!r} selects nothing: write organisation, department:D, team:D/T, employee:D/E, "
            "channel:C or category:K, with * for any name"
        )


def _quoted(name: str | None) -> str:
    return _WILDCARD if name is None else quote(name, safe="")


@dataclass(frozen=True, slots=True)
class Target:
    """One expectation, judged over one window for every scope that ``applies_to`` selects.

    ``clear`` is the threshold at which a breach ends; ``for_ms`` how long the figure must be
    wrong, in stream time; ``evidence`` whether the whole interval or only the value has to be on
    the wrong side before a breach begins.
    """

    id: str
    name: Text
    indicator: str
    measure: Measure
    comparison: Comparison
    limit: float
    clear: float
    within_ms: int | None
    window: WindowName
    applies_to: tuple[Selector, ...]
    for_ms: int
    minimum_sample: int
    severity: Severity
    evidence: Evidence

    def applies(self, scope: Scope) -> bool:
        """Whether the target is judged for the scope."""
        return any(selector.matches(scope) for selector in self.applies_to)


@dataclass(frozen=True, slots=True)
class Anchors:
    """Figures worth 0 points, the target's points and 100 points."""

    floor: float
    target: float
    stretch: float


@dataclass(frozen=True, slots=True)
class ScoreTerm:
    """One indicator of the score; weights of all terms add up to 1."""

    indicator: str
    measure: Measure
    weight: float
    anchors: Anchors
    anchors_by_department: Mapping[str, Anchors]

    def anchors_for(self, department: str) -> Anchors:
        """The department's own anchors, or everybody's."""
        return self.anchors_by_department.get(department, self.anchors)


@dataclass(frozen=True, slots=True)
class MustPass:
    """A floor that caps the whole score when it is not met."""

    indicator: str
    measure: Measure
    comparison: Comparison
    limit: float
    cap: float


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """How figures make a score of 0 to 100."""

    terms: tuple[ScoreTerm, ...]
    must_pass: tuple[MustPass, ...]
    missing: MissingPolicy
    target_points: float


@dataclass(frozen=True, slots=True)
class SurveyRules:
    """The scale and the wording that answers of one kind must have to be counted; None allows
    any."""

    scale: tuple[int, int] | None = None
    wording: str | None = None


ANY_SURVEY: Final = SurveyRules()
USUAL_SURVEYS: Final[Mapping[str, SurveyRules]] = {
    "nps": SurveyRules(scale=(0, 10)),
    "ces": SurveyRules(scale=(1, 7)),
}
"""What holds for kinds of surveys that the rules say nothing of."""


@dataclass(frozen=True)
class RuleSet:
    """One version of the rules, in force from ``valid_from_ms``.

    ``surveys`` by kind; ``currency`` is that of all costs, ``allocated_cost`` in its minor units
    per ticket.
    """

    version: str
    valid_from_ms: int
    name: Text
    zone: ZoneInfo
    exclude_waiting: bool
    lateness_ms: int
    targets: tuple[Target, ...]
    score: ScoreRules | None
    calendar: Calendar | None = None
    at_risk_share: float = 0.8
    surveys: Mapping[str, SurveyRules] = field(default_factory=dict)
    currency: str | None = None
    allocated_cost: int = 0

    def survey(self, kind: str) -> SurveyRules:
        """What answers of this kind must be like."""
        return self.surveys.get(kind) or USUAL_SURVEYS.get(kind, ANY_SURVEY)

    def worked_ms(self, start_ms: int, end_ms: int) -> int:
        """Working time in the span; without a calendar, all of it."""
        if self.calendar is None:
            return max(0, end_ms - start_ms)
        return self.calendar.elapsed(start_ms, end_ms)

    def limit_ms(self, indicator: str, department: str, team: str, employee: str) -> int | None:
        """The limit within which a case of this holder counts as good; None when no
        ``share_within`` target sets one. The most specific selector wins."""
        holders = _holders(department, team, employee)
        for selector, within_ms in self.limits.get(indicator, ()):
            if any(selector.matches(holder) for holder in holders):
                return within_ms
        return None

    def targets_for(self, scope: Scope) -> tuple[Target, ...]:
        """The targets that judge a scope. A ``share_within`` target gives way to a more specific
        one with another limit, because a case can be good by one limit only."""
        return tuple(
            target
            for target in self.targets
            if target.applies(scope) and not self._overridden(target, scope)
        )

    def _overridden(self, target: Target, scope: Scope) -> bool:
        if target.measure != "share_within" or scope.kind not in HOLDER_KINDS:
            return False
        team = scope.id if scope.kind == "team" else ""
        employee = scope.id if scope.kind == "employee" else ""
        limit = self.limit_ms(target.indicator, scope.department, team, employee)
        return limit != target.within_ms

    @cached_property
    def limits(self) -> Mapping[str, tuple[tuple[Selector, int], ...]]:
        """By indicator, whom a limit in ms is for; the most specific first."""
        found: dict[str, list[tuple[Selector, int]]] = {}
        for target in self.targets:
            if target.measure == "share_within" and target.within_ms is not None:
                for selector in target.applies_to:
                    if selector.kind in HOLDER_KINDS:
                        found.setdefault(target.indicator, []).append((selector, target.within_ms))
        return {
            indicator: tuple(sorted(limits, key=lambda limit: limit[0].specificity, reverse=True))
            for indicator, limits in found.items()
        }


def _holders(department: str, team: str, employee: str) -> list[Scope]:
    holders = [Scope("organisation", "", "")]
    if department:
        holders.append(Scope("department", department, department))
    if team:
        holders.append(Scope("team", department, team))
    if employee:
        holders.append(Scope("employee", department, employee))
    return holders


class RuleHistory:
    """All versions of one organisation's rules.

    ``digests`` gives each version's content hash, so that two processes can tell whether they
    judge by the same text. Raises ``ValueError`` when the versions contradict each other.
    """

    def __init__(self, versions: Iterable[RuleSet], digests: Mapping[str, str]) -> None:
        self.versions = tuple(sorted(versions, key=lambda version: version.valid_from_ms))
        if not self.versions:
            raise ValueError("there is no rule set: give at least one version")
        self._starts = [version.valid_from_ms for version in self.versions]
        self.zone = self.versions[0].zone
        self.digests = dict(digests)
        _check_agreement(self.versions)
        self.currency = next((v.currency for v in self.versions if v.currency), None)

    def at(self, time_ms: int) -> RuleSet:
        """The version in force at an event's time; the first one also before its time."""
        if len(self.versions) == 1 or time_ms < self._starts[1]:
            return self.versions[0]
        return self.versions[bisect_right(self._starts, time_ms) - 1]

    def worked_ms(self, start_ms: int, end_ms: int) -> int:
        """Working time in the span, each part by the calendar that was in force then."""
        worked = 0
        while start_ms < end_ms:
            until = min(end_ms, self._next_start(start_ms, end_ms))
            worked += self.at(start_ms).worked_ms(start_ms, until)
            start_ms = until
        return worked

    def working_spans(self, start_ms: int, end_ms: int) -> list[tuple[int, int]]:
        """What `worked_ms` counts, as spans ``[start, end)`` in order."""
        spans: list[tuple[int, int]] = []
        while start_ms < end_ms:
            until = min(end_ms, self._next_start(start_ms, end_ms))
            calendar = self.at(start_ms).calendar
            spans += [(start_ms, until)] if calendar is None else calendar.spans(start_ms, until)
            start_ms = until
        return spans

    def _next_start(self, time_ms: int, otherwise: int) -> int:
        """When the version after the one in force takes over."""
        place = bisect_right(self._starts, time_ms)
        return self._starts[place] if place < len(self._starts) else otherwise

    def on_duty_ms(self, start_ms: int, end_ms: int) -> int | None:
        """Working time in the span; None where part of it had no calendar."""
        first = bisect_right(self._starts, start_ms) - 1
        last = bisect_right(self._starts, end_ms - 1) - 1
        in_force = self.versions[max(first, 0) : max(last, 0) + 1]
        if any(version.calendar is None for version in in_force):
            return None
        return self.worked_ms(start_ms, end_ms)


def _check_agreement(versions: tuple[RuleSet, ...]) -> None:
    for before, after in pairwise(versions):
        if before.valid_from_ms == after.valid_from_ms:
            raise ValueError(
                f"versions {before.version} and {after.version} begin at the same time: "
                "give each its own valid_from"
            )
        if before.zone.key != after.zone.key:
            raise ValueError(
                f"version {after.version} has zone {after.zone.key}, {before.version} has "
                f"{before.zone.key}: all versions of an organisation share one zone"
            )
    if len({version.currency for version in versions} - {None}) > 1:
        raise ValueError(
            "the versions name several currencies: costs of an organisation are in one"
        )
    if len({version.version for version in versions}) < len(versions):
        raise ValueError("two rule sets have the same version: give each its own")
