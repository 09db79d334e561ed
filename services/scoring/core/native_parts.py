"""What the compiled engine is told of rules, indicators and time: plain values, by attribute."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.scoring.core import ledger
from services.scoring.core.pane_kinds import PANE_KINDS, PaneKinds
from services.scoring.core.rules import HOLDER_KINDS, RuleHistory, RuleSet
from services.scoring.core.scratch_file import ScratchFile
from services.scoring.core.slow_reader import Readable, Reason, SlowEvent
from shared.contracts.fields import EARLIEST_TIME_MS, FUTURE_TOLERANCE_MS, LATEST_TIME_MS
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS

HolderLimit = tuple[int, str | None, str | None, int]
"""The place of a kind in HOLDER_KINDS, department and id (None is any), and the limit in ms."""


@dataclass(frozen=True, slots=True)
class VersionParts:
    """One version of the rules. ``spans`` gives the working time in ``[start, end)`` ms as spans;
    ``surveys`` has scale and wording of each of SURVEY_KINDS; ``limits`` is by the place of the
    indicator, the most specific first."""

    name: str
    valid_from_ms: int
    exclude_waiting: bool
    at_risk_share: float
    spans: Callable[[int, int], Sequence[tuple[int, int]]] | None
    surveys: Sequence[tuple[tuple[int, int] | None, str | None]]
    currency: str | None
    allocated_cost: int
    limits: Mapping[int, Sequence[HolderLimit]]


@dataclass(frozen=True, slots=True)
class RegistryParts:
    """The indicators by their places: ids, whether employees have the figure, and what the panes
    have to know of them."""

    ids: Sequence[str]
    individual: Sequence[bool]
    kinds: PaneKinds


@dataclass(frozen=True, slots=True)
class EngineParts:
    """All of it. ``inputs`` counts the input topics; ``digests`` names the content of each version;
    ``midnight`` gives the latest midnight at or before an instant, both in ms; ``group_of`` the
    group of a department, or of "", the organisation's; ``read_slowly`` is given a record that the
    compiled parser passes on; without a ``scratch_file`` all rests in memory."""

    partition: int
    inputs: int
    versions: Sequence[VersionParts]
    digests: Sequence[tuple[str, str]]
    registry: RegistryParts
    midnight: Callable[[int], int]
    group_of: Callable[[str], str]
    read_slowly: Callable[[Readable], SlowEvent | Reason]
    most_names: int
    most_deadlines: int
    scratch_file: ScratchFile | None
    earliest_ms: int = EARLIEST_TIME_MS
    latest_ms: int = LATEST_TIME_MS
    future_tolerance_ms: int = FUTURE_TOLERANCE_MS


def versions_of(rules: RuleHistory) -> list[VersionParts]:
    """All versions, in the order in which they come into force."""
    return [_version(version) for version in rules.versions]


def _version(rules: RuleSet) -> VersionParts:
    surveys = [rules.survey(kind) for kind in ledger.SURVEY_KINDS]
    return VersionParts(
        rules.version,
        rules.valid_from_ms,
        rules.exclude_waiting,
        rules.at_risk_share,
        None if rules.calendar is None else rules.calendar.spans,
        [(survey.scale, survey.wording) for survey in surveys],
        rules.currency,
        rules.allocated_cost,
        {
            INDICATOR_IDS.index(indicator): [
                (HOLDER_KINDS.index(selector.kind), selector.department, selector.id, within_ms)
                for selector, within_ms in limits
            ]
            for indicator, limits in rules.limits.items()
        },
    )


REGISTRY: Final = RegistryParts(
    INDICATOR_IDS, [INDICATORS[name].individual for name in INDICATOR_IDS], PANE_KINDS
)
