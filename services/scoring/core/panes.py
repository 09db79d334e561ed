"""Panes: the mergeable summaries of measurements that one input partition keeps.

A measurement is booked in a minute, a quarter-hour and a calendar day, for the six scopes that it
belongs to. Panes that were touched lately are cells in dicts; the others rest as packed bytes.
What is older than its level is kept for is dropped, and bookings there go nowhere: the day still
has them.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from services.scoring.core import sketch
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS
from shared.contracts.measurements import Measurement
from shared.contracts.panes import DAY, MINUTE, QUARTER, TOTAL, Cell
from shared.contracts.scopes import SCOPE_KINDS

MINUTE_MS: Final = 60_000
QUARTER_MS: Final = 15 * MINUTE_MS
HOUR_MS: Final = 60 * MINUTE_MS
DAY_MS: Final = 24 * HOUR_MS
KEPT_MS: Final = {MINUTE: 3 * HOUR_MS, QUARTER: 9 * DAY_MS, DAY: 62 * DAY_MS}
"""How far behind the watermark a pane may start and still be kept."""

_ORGANISATION: Final = SCOPE_KINDS.index("organisation")
_DEPARTMENT: Final = SCOPE_KINDS.index("department")
_TEAM: Final = SCOPE_KINDS.index("team")
_EMPLOYEE: Final = SCOPE_KINDS.index("employee")
_CHANNEL: Final = SCOPE_KINDS.index("channel")
_CATEGORY: Final = SCOPE_KINDS.index("category")
_DURATIONS: Final = frozenset(
    place for place, name in enumerate(INDICATOR_IDS) if INDICATORS[name].kind == "duration"
)
_GAUGES: Final = frozenset(
    place for place, name in enumerate(INDICATOR_IDS) if INDICATORS[name].kind == "gauge"
)


class PaneKey(NamedTuple):
    """A pane is one department's (or, with "", the organisation's) interval of one level."""

    department: str
    level: int
    start_ms: int


class CellKey(NamedTuple):
    """A cell of a pane: places in SCOPE_KINDS and INDICATOR_IDS, and the scope's id."""

    kind: int
    id: str
    indicator: int


class Tally:
    """The sums of one cell."""

    __slots__ = ("good", "n", "sketch", "total")

    def __init__(self, n: int = 0, total: int = 0, good: int = 0) -> None:
        self.n = n
        self.total = total
        self.good = good
        self.sketch: sketch.Sketch | None = None

    def book(self, sign: int, value: int, good: int, bucket: int | None) -> None:
        """Add (or with sign -1 take back) one measurement."""
        self.n += sign
        self.total += sign * value
        self.good += sign * good
        if bucket is not None:
            if self.sketch is None:
                self.sketch = {}
            sketch.add(self.sketch, bucket, sign)


Cells = dict[CellKey, Tally]
_PACKED: Final[msgspec.msgpack.Decoder[list[Cell]]] = msgspec.msgpack.Decoder(list[Cell])
_PACKER: Final = msgspec.msgpack.Encoder()


def scopes_of(m: Measurement) -> Iterator[tuple[str, int, str]]:
    """(department or "", kind, id) of every scope that a measurement counts in."""
    yield "", _ORGANISATION, ""
    if m.channel:
        yield "", _CHANNEL, m.channel
    if m.category:
        yield "", _CATEGORY, m.category
    if m.department:
        yield m.department, _DEPARTMENT, m.department
        if m.team:
            yield m.department, _TEAM, m.team
        if m.employee:
            yield m.department, _EMPLOYEE, m.employee


class Days:
    """Midnights of the organisation's zone, remembered per quarter-hour (no zone changes its
    offset inside one)."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._midnights: dict[int, int] = {}

    def start(self, time_ms: int) -> int:
        """The latest midnight at or before the instant, in ms."""
        quarter = time_ms // QUARTER_MS
        midnight = self._midnights.get(quarter)
        if midnight is None:
            midnight = self._midnight(quarter * QUARTER_MS)
            if len(self._midnights) > 100_000:
                self._midnights.clear()
            self._midnights[quarter] = midnight
        return midnight

    def _midnight(self, time_ms: int) -> int:
        local = datetime.fromtimestamp(time_ms // 1000, self._zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        return int(midnight.timestamp()) * 1000


class PaneStore:
    """The panes of one input partition."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._days = Days(zone)
        self._hot: dict[PaneKey, Cells] = {}
        self._cold: dict[PaneKey, bytes] = {}
        self._order: list[PaneKey] = []
        self._touched: dict[PaneKey, set[CellKey]] = {}
        self._heat: dict[PaneKey, int] = {}

    def __len__(self) -> int:
        return len(self._hot) + len(self._cold)

    def book(self, m: Measurement, watermark_ms: int) -> None:
        """Add a measurement (or with its sign -1 take it back) in every pane still kept."""
        bucket = sketch.bucket_of(m.value) if m.indicator in _DURATIONS else None
        panes = self._panes_of(m, watermark_ms)
        for department, kind, scope_id in scopes_of(m):
            cell = CellKey(kind, scope_id, m.indicator)
            for level, start in panes:
                key = PaneKey(department, level, start)
                cells = self._open(key)
                tally = cells.get(cell)
                if tally is None:
                    tally = cells[cell] = Tally()
                tally.book(m.sign, m.value, m.good, bucket)
                self._touched.setdefault(key, set()).add(cell)

    def _panes_of(self, m: Measurement, watermark_ms: int) -> list[tuple[int, int]]:
        starts = (
            (MINUTE, m.time_ms - m.time_ms % MINUTE_MS),
            (QUARTER, m.time_ms - m.time_ms % QUARTER_MS),
            (DAY, self._days.start(m.time_ms)),
        )
        kept = [(level, start) for level, start in starts if start >= watermark_ms - KEPT_MS[level]]
        if m.indicator in _GAUGES:
            kept.append((TOTAL, 0))
        return kept

    def take_touched(self) -> dict[str, list[Cell]]:
        """The cells booked since the last call, by department, with their absolute sums."""
        by_department: dict[str, list[Cell]] = {}
        for key, cells in self._touched.items():
            pane = self._hot[key]
            rows = by_department.setdefault(key.department, [])
            rows.extend(_cell(key, cell, pane[cell]) for cell in cells)
        self._touched.clear()
        return by_department

    def cool(self, age: int, keep: int) -> None:
        """Pack the panes not touched in the last ``keep`` ages."""
        for key in [k for k, touched in self._heat.items() if touched < age - keep]:
            if key not in self._touched:
                self._cold[key] = _PACKER.encode(_cells(key, self._hot.pop(key)))
                del self._heat[key]

    def warm(self, age: int) -> None:
        """Remember that the touched panes were needed in this age."""
        for key in self._touched:
            self._heat[key] = age

    def drop_expired(self, watermark_ms: int) -> None:
        """Forget the panes that no level keeps any more."""
        expired = [k for k in self._keys() if self._is_expired(k, watermark_ms)]
        for key in expired:
            self._hot.pop(key, None)
            self._cold.pop(key, None)
            self._heat.pop(key, None)
            self._touched.pop(key, None)
            place = bisect_left(self._order, key)
            del self._order[place]

    def restore(self, department: str, cells: Iterable[Cell]) -> None:
        """Take absolute cells from a changelog."""
        for cell in cells:
            pane = self._open(PaneKey(department, cell.level, cell.start_ms))
            pane[CellKey(cell.kind, cell.id, cell.indicator)] = _tally(cell)

    def slice_after(self, last: PaneKey | None, budget: int) -> tuple[list[PaneKey], bool]:
        """The next panes in order, holding about ``budget`` cells, and whether they are the last
        of a round."""
        place = 0 if last is None else bisect_left(self._order, last)
        if last is not None and place < len(self._order) and self._order[place] == last:
            place += 1
        taken: list[PaneKey] = []
        cells = 0
        while place < len(self._order) and cells < budget:
            key = self._order[place]
            taken.append(key)
            cells += self._size(key)
            place += 1
        return taken, place >= len(self._order)

    def cells(self, key: PaneKey) -> list[Cell]:
        """All cells of one pane."""
        if key in self._hot:
            return _cells(key, self._hot[key])
        return _PACKED.decode(self._cold[key])

    def _size(self, key: PaneKey) -> int:
        """Cells of a pane; of a packed one about: a cell takes some 24 bytes."""
        return len(self._hot[key]) if key in self._hot else len(self._cold[key]) // 24 + 1

    def _keys(self) -> list[PaneKey]:
        return [*self._hot, *self._cold]

    def _is_expired(self, key: PaneKey, watermark_ms: int) -> bool:
        return key.level != TOTAL and key.start_ms < watermark_ms - KEPT_MS[key.level]

    def _open(self, key: PaneKey) -> Cells:
        pane = self._hot.get(key)
        if pane is not None:
            return pane
        packed = self._cold.pop(key, None)
        if packed is None:
            insort(self._order, key)
            pane = {}
        else:
            pane = {CellKey(c.kind, c.id, c.indicator): _tally(c) for c in _PACKED.decode(packed)}
        self._hot[key] = pane
        self._heat[key] = 0
        return pane


def _cell(pane: PaneKey, key: CellKey, tally: Tally) -> Cell:
    flat = sketch.flatten(tally.sketch) if tally.sketch else None
    return Cell(
        pane.level,
        pane.start_ms,
        key.kind,
        key.id,
        key.indicator,
        tally.n,
        tally.total,
        tally.good,
        flat,
    )


def _cells(pane: PaneKey, cells: Cells) -> list[Cell]:
    return [_cell(pane, key, tally) for key, tally in cells.items()]


def _tally(cell: Cell) -> Tally:
    tally = Tally(cell.n, cell.total, cell.good)
    tally.sketch = sketch.unflatten(cell.sketch) if cell.sketch else None
    return tally
