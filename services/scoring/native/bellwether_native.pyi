"""The measuring engine's work on every event, compiled."""

from collections.abc import Callable, Sequence

__version__: str

MINUTE_MS: int
QUARTER_MS: int
HOUR_MS: int
DAY_MS: int
KEPT_MS: dict[int, int]
"""How far behind the watermark a pane of each level may start and still be kept."""

_Kinds = tuple[Sequence[bool], Sequence[bool], Sequence[bool], Sequence[int]]
_Names = tuple[str, str, str, str, str]
_Row = tuple[int, int, int, int, int, _Names]
_Cells = tuple[
    list[tuple[str, int, str]],
    tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes],
]
_Laid = tuple[list[_Cells], list[tuple[str, list[_Cells]]]]
_Cursor = tuple[int, int, int]

class PaneStore:
    """The panes of one input partition, as tests see them.

    ``midnight`` says when the local day of an instant began, both in ms. ``kinds`` says for
    each indicator whether it is a gauge, keeps a sketch, and keeps every value, and then the upper
    ends of the sketch's buckets. ``limits`` are a record's cells and bytes at most.
    """

    def __init__(
        self, midnight: Callable[[int], int], kinds: _Kinds, limits: tuple[int, int]
    ) -> None: ...
    @property
    def cells(self) -> int:
        """How many cells are kept."""
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
    def drop_expired(self, watermark_ms: int) -> None:
        """Forget the blocks of which no pane is kept any more."""
    def restore(self, cells: _Cells) -> None:
        """Take absolute cells from a changelog. Raises ``ValueError`` when their columns do not fit
        together or hold a number that cannot be."""
