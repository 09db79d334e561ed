"""From the facts of one ticket to its measurements: the history replayed from nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec

from services.scoring.core import ledger
from services.scoring.core.ledger import Fact
from services.scoring.core.lifecycle import Life, Lifecycle, Row, new_life

EXCLUDE: Final = ledger.ACTIONS.index("exclude")
REATTRIBUTE: Final = ledger.ACTIONS.index("reattribute")
EXEMPT: Final = ledger.ACTIONS.index("exempt")
_SIGN: Final = Row._fields.index("sign")


class Replay(NamedTuple):
    """A history as lived through: what stands at its end (rows with sign 1), and what in it does
    not fit together."""

    life: Life
    rows: set[Row]
    anomalies: Counter[str]


def replay(facts: Sequence[Fact], lifecycle: Lifecycle, until_ms: int) -> Replay:
    """Live through all facts of a ticket, given in any order, and let time pass until
    ``until_ms``."""
    life = new_life()
    life.pauses = exemptions(facts)
    life.corrected = any(fact.kind == ledger.CORRECTED for fact in facts)
    lifecycle.advance(life, lived_facts(facts))
    lifecycle.pass_time(life, until_ms)
    life.facts = len(facts)
    rows, anomalies = lifecycle.take()
    if facts and life.opened_ms < 0:
        anomalies.append("no_opening")
    return Replay(life, _standing(rows), Counter(anomalies))


def lived_facts(facts: Iterable[Fact]) -> list[Fact]:
    """The facts, given in any order, as a life goes through them: corrected, in order of time, the
    opening first."""
    return _as_lived(_corrected(sorted(facts)))


def exemptions(facts: Iterable[Fact]) -> list[tuple[int, int]]:
    """The spans [start, end) in ms that corrections exempt."""
    return [
        (fact.numbers[2], fact.numbers[3])
        for fact in facts
        if fact.kind == ledger.CORRECTED and fact.numbers[0] == EXEMPT
    ]


def difference(before: Iterable[Row], after: Iterable[Row]) -> list[Row]:
    """What to take back and what to state to come from one set of standing rows to another."""
    old, new = set(before), set(after)
    return [row._replace(sign=-1) for row in sorted(old - new)] + sorted(new - old)


def net(rows: list[Row]) -> list[Row]:
    """Rows without those that cancel each other, in the order of their statement."""
    if all(row.sign == 1 for row in rows):
        return rows
    balance: dict[tuple[Any, ...], int] = {}
    for row in rows:
        unsigned = row[:_SIGN] + row[_SIGN + 1 :]
        balance[unsigned] = balance.get(unsigned, 0) + row.sign
    return [Row._make((*row[:_SIGN], sign, *row[_SIGN:])) for row, sign in balance.items() if sign]


def _standing(rows: list[Row]) -> set[Row]:
    return set(net(rows))


def _as_lived(facts: list[Fact]) -> list[Fact]:
    """The opening comes first, and belongs to the first holder where it names none."""
    place = next((p for p, fact in enumerate(facts) if fact.kind == ledger.OPENED), None)
    if place is None:
        return facts
    opening = facts[place]
    rest = facts[:place] + facts[place + 1 :]
    if not any(opening.names[:3]):
        first = next((f for f in rest if f.kind == ledger.ASSIGNED and any(f.names)), None)
        if first is not None:
            names = (*first.names, *opening.names[3:])
            opening = msgspec.structs.replace(opening, names=names)
    return [opening, *rest]


def _corrected(facts: list[Fact]) -> list[Fact]:
    """The facts as if the corrections among them had always been so."""
    corrections = [fact for fact in facts if fact.kind == ledger.CORRECTED]
    if not corrections:
        return facts
    excluded = {c.numbers[1] for c in corrections if c.numbers[0] == EXCLUDE}
    holders = {c.numbers[1]: c.names for c in corrections if c.numbers[0] == REATTRIBUTE}
    kept = (f for f in facts if f.event not in excluded and f.kind != ledger.CORRECTED)
    return [_reattributed(fact, holders.get(fact.event)) for fact in kept]


def _reattributed(fact: Fact, names: tuple[str, ...] | None) -> Fact:
    if names is None:
        return fact
    if fact.kind in (ledger.OPENED, ledger.ASSIGNED):
        return msgspec.structs.replace(fact, names=(*names, *fact.names[3:]))
    if fact.names:
        return msgspec.structs.replace(fact, names=(names[2], *fact.names[1:]))
    return fact
