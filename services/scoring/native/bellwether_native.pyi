"""The work on every event and every figure of a window, compiled: see
`services.scoring.core.engine` and `services.scoring.core.windows`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self, TypedDict, final

__version__: str

_Columns = tuple[Any, ...]
"""The fields of a struct of `shared.contracts`, in their order."""
_Update = tuple[str, bytes]
"""A group, and a `PaneUpdate` of it as it lies in its topic."""

_Stretch = tuple[int, int, list[str], int | None]
"""Start and end in ms, department, team and employee, and the place of what is waited for."""

class _Flushed(TypedDict):
    revision: int
    cycle_started: bool
    received_ms: int
    changelog: list[bytes]
    panes: list[_Update]
    measurements: list[_Columns]
    refused: list[tuple[int, int, str, str, bytes | None, bytes | None]]
    events: int
    fresh: int
    settled: int
    anomalies: dict[str, int]

@final
class Engine:
    def __new__(cls, parts: object) -> Self:
        """``parts`` is an `EngineParts` of `services.scoring.core.native_parts`; raises
        ``ValueError`` where they do not fit together."""
    @property
    def positions(self) -> list[int]: ...
    @positions.setter
    def positions(self, positions: list[int]) -> None: ...
    @property
    def watermark_ms(self) -> int: ...
    @property
    def pending_events(self) -> int: ...
    @property
    def stream_ms(self) -> int: ...
    @property
    def settled_ms(self) -> int: ...
    @property
    def tickets(self) -> int: ...
    @property
    def scratch_bytes(self) -> int: ...
    @property
    def names(self) -> int: ...
    def has_due(self) -> bool: ...
    def advance(self, stream_ms: int) -> None: ...
    def process(self, topic: int, records: Iterable[Any]) -> None: ...
    def flush(self, caught_up: bool) -> _Flushed: ...
    def stretches(
        self, ticket: str, until_ms: int
    ) -> tuple[list[_Stretch], list[tuple[int, int]]]: ...
    def restore(self, record: bytes) -> list[tuple[str, str]]: ...
    def finish_restore(self) -> None: ...

@final
class Calendar:
    """Working time, as tests see it; ``spans`` gives that in ``[start, end)`` ms as spans."""

    def __new__(cls, spans: Callable[[int, int], Sequence[tuple[int, int]]]) -> Self: ...
    def elapsed(self, start_ms: int, end_ms: int) -> int:
        """Working milliseconds in ``[start_ms, end_ms)``; 0 when it is empty."""
    def deadline(self, start_ms: int, duration_ms: int) -> int | None:
        """The first instant at which so much working time has passed since ``start_ms``; None when
        that is decades away."""

def parse_event(
    value: bytes,
) -> tuple[str, int, int | None, int, int, tuple[str, ...], tuple[int, ...]] | None:
    """What the fast reader makes of an event v1: subject, epoch ms, epoch ms of its reception, and
    the fact's kind, event hash, names and numbers; None where it leaves the event to
    `shared.contracts.decode.decode_event`."""

_CellColumns = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]

def check_cells(columns: _CellColumns, leaves: int) -> None:
    """Raises ``ValueError`` when the columns of a `shared.contracts.panes.Cells` with so many
    leaves do not fit together, or hold a number that cannot be or cannot be summed up."""

_Measured = tuple[int, float | None, float | None, float | None]
"""Cases, value, and the ends of its interval: as `services.scoring.core.figures.Measured`."""
_Percentiles = tuple[float | None, float | None, float | None, float | None]

@final
class Summary:
    """Measurements of one indicator: how many, their integer sum, how many good, and how many in
    each bucket of the sketch. A gauge's level is its total."""

    def __new__(
        cls,
        n: int = 0,
        total: int = 0,
        good: int = 0,
        sketch: Mapping[int, int] | None = None,
    ) -> Self:
        """Raises ``ValueError`` for a bucket that there is not."""
    @property
    def n(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def good(self) -> int: ...
    @property
    def sketch(self) -> dict[int, int]:
        """Bucket to count, ascending by bucket; no count is 0."""
    def measure(self, kind: str, how: str) -> _Measured:
        """What an indicator of this kind measures so. Raises ``ValueError`` for another measure
        than those of `services.scoring.core.rules.Measure`, or another kind than those of
        `shared.contracts.indicators`."""
    def figure(self, kind: str) -> tuple[_Measured, int | None, int | None, _Percentiles]:
        """What is published of it: the measure that is usual for its kind, good, total, and the
        50th, 90th, 95th and 99th percentile, each where it has a meaning."""

MOST_SOURCES: int
"""Sources of cells are less than this."""

_Part = tuple[int, int, Sequence[int], _CellColumns]

@final
class PaneWindows:
    """The windows of all scopes in one partition of panes (`services.scoring.core.windows`).

    ``midnight`` says when the local day of an instant began, both in ms; ``levels`` of which panes
    each window is made; ``indicators`` names them and their kinds. Leaves and scopes are known by
    numbers, windows and indicators by their places.
    """

    def __new__(
        cls,
        midnight: Callable[[int], int],
        levels: Sequence[int],
        indicators: Sequence[tuple[str, str]],
    ) -> Self: ...
    @property
    def cells(self) -> int:
        """How many cells are kept, without those over all time."""
    def learn(self, scopes: Sequence[int]) -> None:
        """The scopes of the next leaf; leaves are numbered in the order in which they come."""
    def apply(self, parts: Sequence[_Part]) -> bytes:
        """Replace cells: source, seal in ms, and columns with the numbers of their leaves. Returns
        by scope, as 64-bit integers, the place of the last part that changed its windows or may
        have, or -1. Raises ``ValueError`` for columns that make no cells (nothing was applied
        then), and whatever ``midnight`` raises."""
    def advance(self, stream_ms: int, spans: Sequence[tuple[int, int]]) -> int:
        """Move the windows to where each lies at a stream time; the windows (as bits) that moved.
        Raises ``ValueError`` when there are not as many."""
    def starts(self, level: int, start_ms: int, end_ms: int) -> list[int]:
        """When the panes of a level begin that do so in a span of time, in ms."""
    def take_changed(self) -> bytes:
        """By scope, a byte each, the windows (as bits) that changed since the last call."""
    def occupied(self, window: int) -> bytes:
        """Scopes with anything in a window, ascending, as 64-bit integers."""
    def stamp(self, window: int, scope: int, indicator: int) -> int:
        """Grows when the sums of an indicator change in a window; 0 while there were none."""
    def has_seen(self, scope: int, indicator: int) -> bool:
        """Whether an indicator was ever seen of a scope."""
    def summary(self, window: int, scope: int, indicator: int) -> Summary | None:
        """None where there is nothing in it; a gauge's level at the window's end is its total."""
    def measured(self, window: int, scope: int, indicator: int, how: str) -> _Measured | None:
        """One measure of the summary. Raises ``ValueError`` when there is no such indicator or
        measure."""
    def figures(
        self, window: int, scope: int, provisional: int, others: Mapping[int, bytes]
    ) -> tuple[bytes, bool]:
        """The figures of all indicators with data as a JSON list, ascending by their places; at
        those of ``others`` the text that is given. ``provisional`` marks (as bits) those that may
        still turn out otherwise. And whether none has a case, ``others`` aside."""

Z95: float
GAMMA: float
"""The ratio of two neighbouring upper ends of the sketch's buckets."""

def wilson(good: int, n: int, z: float = ...) -> tuple[float, float]:
    """The interval of a share ``good / n``; raises ``ValueError`` when ``n`` is not positive."""

def percentile_ranks(q: float, n: int, z: float = ...) -> tuple[int | None, int | None]:
    """Ranks (from 1) of the values that enclose percentile ``q``; None where the sample is too
    small to bound that side."""

def mean_interval(mean: float, variance: float, n: int, z: float = ...) -> tuple[float, float]:
    """The interval of a mean of ``n`` values with that variance."""

def exact_mean(kind: str, n: int, total: int, squares: int) -> _Measured:
    """As `services.scoring.core.figures.exact_mean`; raises ``ValueError`` when ``n`` is not
    positive, or for a kind that answers are not of."""

def value_of(bucket: int) -> float:
    """The estimate in ms for every value of a bucket of the sketch; raises ``ValueError`` when
    there is no such bucket."""

MINUTE_MS: int
QUARTER_MS: int
SEALED_AFTER_MS: int
HOUR_MS: int
DAY_MS: int
KEPT_MS: dict[int, int]
"""How far behind the watermark a pane of each level may start and still be kept."""

_Kinds = tuple[Sequence[bool], Sequence[bool], Sequence[bool], Sequence[int]]
_Names = tuple[str, str, str, str, str]
_Row = tuple[int, int, int, int, int, _Names]
_Cells = tuple[list[tuple[str, str, str]], _CellColumns]
_Laid = tuple[list[bytes], list[tuple[str, list[bytes]]]]
"""`Cells` as MessagePack."""
_Cursor = tuple[int, int, int]

@final
class PaneStore:
    """The panes of one input partition, as tests see them.

    ``midnight`` says when the local day of an instant began, both in ms. ``kinds`` says for
    each indicator whether it is a gauge, keeps a sketch, and keeps every value, and then the upper
    ends of the sketch's buckets. ``limits`` are a record's cells and bytes at most.
    """

    def __new__(
        cls, midnight: Callable[[int], int], kinds: _Kinds, limits: tuple[int, int]
    ) -> Self: ...
    @property
    def cells(self) -> int:
        """How many cells are kept."""
    @property
    def sealed_ms(self) -> int:
        """Quarter-hours and days that end by then are sealed."""
    def seal(self, time_ms: int) -> None:
        """Time has come so far: sum up the quarter-hours and days that are over."""
    def book(self, rows: Sequence[_Row], watermark_ms: int) -> None:
        """Add measurements: indicator, sign, time in ms, value, good, and names. Raises
        ``ValueError`` for a time, an indicator or a rating that cannot be."""
    def forget_names(self) -> None:
        """Learn names anew."""
    def take_touched(self) -> _Laid:
        """The cells booked since the last call: all records, and those of each department."""
    def slice_after(
        self, cursor: _Cursor | None, budget: int, watermark_ms: int
    ) -> tuple[_Laid, _Cursor | None]:
        """The next ``budget`` cells in a fixed order; and where to go on, None at the end."""
    def rest_all(self) -> None:
        """Pack the cells until somebody asks for them."""
    def drop_expired(self, watermark_ms: int) -> None:
        """Forget the blocks of which no pane is kept any more."""
    def restore(self, cells: _Cells) -> None:
        """Take absolute cells from a changelog. Raises ``ValueError`` when their columns do not fit
        together or hold a number that cannot be."""
