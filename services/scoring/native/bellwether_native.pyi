"""The measuring engine's work on every event, compiled: see `services.scoring.core.engine`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypedDict

__version__: str

Columns = tuple[Any, ...]
"""The fields of a struct of `shared.contracts`, in their order."""
Update = tuple[str, Columns | None, Columns | None]
"""A department, and `Cells` that a flush changed and of a slice of all."""

Stretch = tuple[int, int, list[str], int | None]
"""Start and end in ms, department, team and employee, and the place of what is waited for."""

class Flushed(TypedDict):
    revision: int
    cycle: int
    cycle_started: bool
    received_ms: int
    changelog: list[bytes]
    updates: list[Update]
    measurements: list[Columns]
    refused: list[tuple[int, Any, str, str]]
    events: int
    fresh: int
    settled: int
    anomalies: dict[str, int]

class Engine:
    def __init__(
        self,
        inputs: int,
        rules: Sequence[object],
        digests: Sequence[tuple[str, str]],
        registry: object,
        times: object,
        midnight: Callable[[int], int],
        read_slowly: Callable[[Any], object],
        most_names: int,
        most_deadlines: int,
    ) -> None: ...
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
    def cells(self) -> int: ...
    def has_due(self) -> bool: ...
    def advance(self, stream_ms: int) -> None: ...
    def process(self, topic: int, records: Iterable[Any]) -> None: ...
    def flush(self, caught_up: bool) -> Flushed: ...
    def stretches(
        self, ticket: str, until_ms: int
    ) -> tuple[list[Stretch], list[tuple[int, int]]]: ...
    def restore(self, record: bytes) -> list[tuple[str, str]]: ...
    def finish_restore(self) -> None: ...

def parse_event(value: bytes) -> tuple[Any, ...] | None: ...
