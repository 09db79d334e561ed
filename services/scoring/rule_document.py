"""The form of a rule set in YAML, strictly checked, and its way into the domain."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from services.scoring.calendar_document import CalendarDocument
from services.scoring.core.rules import (
    ANY_SURVEY,
    MEASURES_OF_KIND,
    USUAL_SURVEYS,
    Anchors,
    Comparison,
    Evidence,
    Measure,
    MissingPolicy,
    MustPass,
    RuleSet,
    ScoreRules,
    ScoreTerm,
    Selector,
    SurveyRules,
    Target,
)
from shared.contracts.breaches import Severity
from shared.contracts.decode import SurveyKind
from shared.contracts.fields import (
    CURRENCY_PATTERN,
    MAX_COST_MINOR,
    NAME_LENGTH,
    epoch_ms,
    parse_timestamp,
)
from shared.contracts.figures import WindowName
from shared.contracts.indicators import INDICATORS, Kind, Text

_UNITS_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"(?:\d+(?:ms|s|m|h|d))+")
_DURATION_PART: Final = re.compile(r"(\d+)(ms|s|m|h|d)")
_MOST_MS: Final = 100 * 366 * 86_400_000
_SHARES: Final = ("ratio", "share_within")


def parse_duration(text: object) -> int:
    """``90s``, ``5m``, ``1h30m``, ``2d`` to milliseconds; raises ``ValueError``."""
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration: write a number and ms, s, m, h or d, as in 5m")
    length = sum(int(number) * _UNITS_MS[unit] for number, unit in _DURATION_PART.findall(text))
    if length > _MOST_MS:
        raise ValueError(f"{text!r} is longer than 100 years: is its unit right?")
    return length


def parse_amount(indicator: str, measure: Measure, amount: object) -> float:
    """A limit in the unit of its indicator and measure (see `core.rules`); raises
    ``ValueError``."""
    kind = INDICATORS[indicator].kind
    if kind == "duration" and measure not in _SHARES:
        return float(parse_duration(amount))
    if isinstance(amount, bool) or not isinstance(amount, int | float):
        raise ValueError(f"{amount!r} is no number: give {measure} a number")  # noqa: TRY004 - Pydantic reports only ValueError as a validation error
    low, high, advice = _bounds(kind, measure)
    if not low <= amount <= high:
        raise ValueError(f"{amount} is {advice}")
    return float(amount)


def _bounds(kind: Kind, measure: Measure) -> tuple[float, float, str]:
    """The least and the greatest amount, and what one beyond them is."""
    if measure in _SHARES:
        return 0, 1, "no share: write 0.8 for 80 %"
    if kind == "rating":
        return 0, 1, "no share of the scale: write 0.75 for 4 on a scale of 1 to 5"
    if kind == "balance":
        return -100, 100, "no balance: write a number from -100 to 100"
    return -math.inf, math.inf, ""


def _moment(value: object) -> int:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("has no zone: write it as 2026-01-01T00:00:00+08:00")
        return epoch_ms(value)
    try:
        return epoch_ms(parse_timestamp(str(value)))
    except msgspec.ValidationError:
        raise ValueError(
            f"{value!r} is no RFC 3339 time with a zone: write it as 2026-01-01T00:00:00+08:00"
        ) from None


def _indicator(name: str) -> str:
    if name not in INDICATORS:
        raise ValueError(f"{name!r} is no indicator: use one of {', '.join(INDICATORS)}")
    return name


def _selector(text: object) -> Selector:
    if not isinstance(text, str):
        raise ValueError("is no text: write a scope such as department:*")  # noqa: TRY004 - Pydantic reports only ValueError as a validation error
    return Selector.parse(text)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"{name!r} is no IANA time zone: write one such as Asia/Shanghai"
        ) from None
    return name


Duration = Annotated[int, BeforeValidator(parse_duration)]
Moment = Annotated[int, BeforeValidator(_moment)]
IndicatorId = Annotated[str, AfterValidator(_indicator)]
SelectorText = Annotated[Selector, BeforeValidator(_selector)]
Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,99}$")]
Weight = Annotated[float, Field(gt=0)]
ScaleEnd = Annotated[int, Field(ge=-1000, le=1000)]
Amount = float | str


class _Document(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        regex_engine="python-re",
    )


class Names(_Document):
    """What users see, in both languages."""

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]

    def text(self) -> Text:
        return Text(self.en, self.zh)


class _Judged(_Document):
    """An indicator, how it is measured, and the side of a limit that is wanted."""

    indicator: IndicatorId
    measure: Measure
    at_least: Amount | None = None
    at_most: Amount | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_measure(self.indicator, self.measure)
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("needs either at_least or at_most: keep one of them")
        wanted = _wanted_side(self.indicator, self.measure)
        if wanted and wanted != self.comparison:
            raise ValueError(f"{self.measure} of {self.indicator} is better when {_SIDES[wanted]}")
        parse_amount(self.indicator, self.measure, self.amount)
        return self

    @property
    def comparison(self) -> Comparison:
        return "at_least" if self.at_least is not None else "at_most"

    @property
    def amount(self) -> Amount:
        return self.at_least if self.at_least is not None else self.at_most or 0.0


_SIDES: Final = {
    "at_least": "higher: use at_least instead of at_most",
    "at_most": "lower: use at_most instead of at_least",
}


def check_measure(indicator: str, measure: Measure) -> None:
    """Raise ``ValueError`` unless the indicator can be measured so."""
    kind = INDICATORS[indicator].kind
    if measure not in MEASURES_OF_KIND[kind]:
        allowed = ", ".join(MEASURES_OF_KIND[kind])
        raise ValueError(f"{indicator} is a {kind}: measure it by {allowed}, not {measure}")


def check_scopes(indicator: str, selectors: Iterable[Selector]) -> None:
    """Raise ``ValueError`` when the indicator is no figure of the scopes that are selected."""
    one = INDICATORS[indicator]
    for selector in selectors:
        if one.kind == "derived" and selector.kind != "employee":
            raise ValueError(f"{indicator} is a figure of employees: apply it to employee:*/*")
        if not one.individual and selector.kind == "employee":
            raise ValueError(f"{indicator} is no figure of employees: apply it to department:*")


def _wanted_side(indicator: str, measure: Measure) -> Comparison | None:
    if measure == "share_within":
        return "at_least"
    return {"higher": "at_least", "lower": "at_most"}.get(INDICATORS[indicator].direction)  # type: ignore[return-value]  # the table holds comparisons only


class TargetDocument(_Judged):
    """One target; ``for`` and ``clear`` keep an alert from flapping."""

    id: Identifier
    name: Names
    within: Duration | None = None
    window: WindowName
    applies_to: Annotated[list[SelectorText], Field(min_length=1)]
    for_ms: Annotated[Duration, Field(alias="for")] = 0
    clear: Amount | None = None
    minimum_sample: Annotated[int, Field(ge=0)] | None = None
    severity: Severity = "warning"
    evidence: Evidence = "interval"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if (self.measure == "share_within") != (self.within is not None):
            raise ValueError("within belongs to the measure share_within, and only to it")
        limit, clear = self._limits()
        if (clear < limit) if self.comparison == "at_least" else (clear > limit):
            raise ValueError("clear is on the wrong side of the limit: it must be at least as good")
        check_scopes(self.indicator, self.applies_to)
        return self

    def _limits(self) -> tuple[float, float]:
        limit = parse_amount(self.indicator, self.measure, self.amount)
        if self.clear is None:
            return limit, limit
        return limit, parse_amount(self.indicator, self.measure, self.clear)

    def target(self) -> Target:
        limit, clear = self._limits()
        sample = self.minimum_sample
        return Target(
            id=self.id,
            name=self.name.text(),
            indicator=self.indicator,
            measure=self.measure,
            comparison=self.comparison,
            limit=limit,
            clear=clear,
            within_ms=self.within,
            window=self.window,
            applies_to=tuple(self.applies_to),
            for_ms=self.for_ms,
            minimum_sample=INDICATORS[self.indicator].minimum_sample if sample is None else sample,
            severity=self.severity,
            evidence=self.evidence,
        )


class AnchorsDocument(_Document):
    """Figures worth 0, ``target_points`` and 100 points."""

    floor: Amount
    target: Amount
    stretch: Amount

    def anchors(self, indicator: str, measure: Measure) -> Anchors:
        amounts = (self.floor, self.target, self.stretch)
        anchors = Anchors(*(parse_amount(indicator, measure, amount) for amount in amounts))
        rising = anchors.floor < anchors.target < anchors.stretch
        if not rising and not anchors.floor > anchors.target > anchors.stretch:
            raise ValueError("floor, target and stretch must all rise or all fall")
        return anchors


class TermDocument(_Document):
    """One indicator under a goal."""

    indicator: IndicatorId
    measure: Measure
    weight: Weight
    anchors: AnchorsDocument
    departments: dict[str, AnchorsDocument] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check_measure(self.indicator, self.measure)
        for document in (self.anchors, *self.departments.values()):
            anchors = document.anchors(self.indicator, self.measure)
            side = "at_least" if anchors.stretch > anchors.floor else "at_most"
            if _wanted_side(self.indicator, self.measure) not in (None, side):
                raise ValueError("the anchors run the wrong way: stretch must be the best figure")
        return self

    def term(self, share: float) -> ScoreTerm:
        return ScoreTerm(
            self.indicator,
            self.measure,
            share,
            self._anchors(self.anchors),
            {name: self._anchors(own) for name, own in self.departments.items()},
        )

    def _anchors(self, document: AnchorsDocument) -> Anchors:
        return document.anchors(self.indicator, self.measure)


class GoalDocument(_Document):
    """A strategic goal, its weight among the goals, and the indicators that serve it."""

    id: Identifier
    name: Names
    weight: Weight
    indicators: Annotated[list[TermDocument], Field(min_length=1)]


class MustPassDocument(_Judged):
    """When it is not met, the score is at most ``cap``."""

    cap: Annotated[float, Field(ge=0, le=100)]

    def must_pass(self) -> MustPass:
        limit = parse_amount(self.indicator, self.measure, self.amount)
        return MustPass(self.indicator, self.measure, self.comparison, limit, self.cap)


class ScoreDocument(_Document):
    """The strategy tree; weights count in proportion, among goals and within a goal."""

    missing: MissingPolicy
    target_points: Annotated[float, Field(gt=0, lt=100)] = 80.0
    goals: Annotated[list[GoalDocument], Field(min_length=1)]
    must_pass: list[MustPassDocument] = Field(default_factory=list)

    @field_validator("goals")
    @classmethod
    def _once(cls, goals: list[GoalDocument]) -> list[GoalDocument]:
        used = [(term.indicator, term.measure) for goal in goals for term in goal.indicators]
        for indicator, measure in used:
            if used.count((indicator, measure)) > 1:
                raise ValueError(f"{measure} of {indicator} is weighed twice: keep one of them")
        return goals

    def rules(self) -> ScoreRules:
        return ScoreRules(
            terms=tuple(self._terms()),
            must_pass=tuple(entry.must_pass() for entry in self.must_pass),
            missing=self.missing,
            target_points=self.target_points,
        )

    def _terms(self) -> list[ScoreTerm]:
        all_goals = sum(goal.weight for goal in self.goals)
        return [
            term.term(goal.weight / all_goals * term.weight / _weight_within(goal))
            for goal in self.goals
            for term in goal.indicators
        ]


def _weight_within(goal: GoalDocument) -> float:
    return sum(term.weight for term in goal.indicators)


class SurveyDocument(_Document):
    """What answers of one kind of survey must be like to be counted."""

    scale: Annotated[list[ScaleEnd], Field(min_length=2, max_length=2)] | None = None
    wording: Annotated[str, Field(min_length=1, max_length=NAME_LENGTH)] | None = None

    @field_validator("scale")
    @classmethod
    def _rises(cls, scale: list[int] | None) -> list[int] | None:
        if scale is not None and scale[0] >= scale[1]:
            raise ValueError("the scale must rise: write its lower end first, as in [1, 5]")
        return scale

    def survey(self, kind: str) -> SurveyRules:
        """With the usual scale of the kind where none is given."""
        usual = USUAL_SURVEYS.get(kind, ANY_SURVEY).scale
        return SurveyRules((self.scale[0], self.scale[1]) if self.scale else usual, self.wording)


class RuleDocument(_Document):
    """A whole rule set."""

    format: Literal["bellwether-rules/v1"]
    version: Identifier
    valid_from: Moment
    name: Names
    zone: Annotated[str, AfterValidator(_zone)]
    exclude_waiting: bool = False
    lateness: Duration = 86_400_000
    at_risk_share: Annotated[float, Field(gt=0, lt=1)] = 0.8
    calendar: CalendarDocument | None = None
    surveys: dict[SurveyKind, SurveyDocument] | None = None
    currency: Annotated[str, Field(pattern=CURRENCY_PATTERN)] | None = None
    allocated_cost_minor_per_ticket: Annotated[int, Field(ge=0, le=MAX_COST_MINOR)] | None = None
    targets: Annotated[list[TargetDocument], Field(min_length=1)]
    score: ScoreDocument | None = None

    @field_validator("calendar")
    @classmethod
    def _works(cls, calendar: CalendarDocument | None) -> CalendarDocument | None:
        if calendar is not None:
            calendar.calendar(ZoneInfo("UTC"))
        return calendar

    @field_validator("surveys")
    @classmethod
    def _promoters(
        cls, surveys: dict[SurveyKind, SurveyDocument] | None
    ) -> dict[SurveyKind, SurveyDocument] | None:
        nps = (surveys or {}).get("nps")
        if nps is not None and nps.scale not in (None, [0, 10]):
            raise ValueError("nps is defined on the scale of 0 to 10 alone: remove its scale")
        return surveys

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        if self.allocated_cost_minor_per_ticket is not None and self.currency is None:
            raise ValueError("allocated_cost_minor_per_ticket needs a currency: add the key")
        for target in self.targets:
            kind = INDICATORS[target.indicator].kind
            if kind == "derived" and self.calendar is None:
                raise ValueError(f"{target.indicator} needs a calendar: add one")
            if kind == "amount" and self.currency is None:
                raise ValueError(f"{target.indicator} needs a currency: add the key")
        return self

    @field_validator("targets")
    @classmethod
    def _distinct(cls, targets: list[TargetDocument]) -> list[TargetDocument]:
        ids = [target.id for target in targets]
        for repeated in {name for name in ids if ids.count(name) > 1}:
            raise ValueError(f"two targets have the id {repeated!r}: give each its own")
        _check_limits(targets)
        return targets

    def rule_set(self) -> RuleSet:
        return RuleSet(
            version=self.version,
            valid_from_ms=self.valid_from,
            name=self.name.text(),
            zone=ZoneInfo(self.zone),
            exclude_waiting=self.exclude_waiting,
            lateness_ms=self.lateness,
            at_risk_share=self.at_risk_share,
            calendar=self.calendar.calendar(ZoneInfo(self.zone)) if self.calendar else None,
            surveys={kind: one.survey(kind) for kind, one in (self.surveys or {}).items()},
            currency=self.currency,
            allocated_cost=self.allocated_cost_minor_per_ticket or 0,
            targets=tuple(target.target() for target in self.targets),
            score=self.score.rules() if self.score else None,
        )


def _check_limits(targets: list[TargetDocument]) -> None:
    """A case can be good by one limit only: the same selector must not set two."""
    limits: dict[tuple[str, Selector], Any] = {}
    for target in targets:
        if target.within is None:
            continue
        for selector in target.applies_to:
            other = limits.setdefault((target.indicator, selector), target)
            if other.within != target.within:
                raise ValueError(
                    f"targets {other.id!r} and {target.id!r} set two limits of {target.indicator} "
                    f"for {selector.text}: use one limit, or a more specific selector"
                )
