"""How much goes into one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from services.scoring.recorder.rows import BatchId, RecordRows, Row


@dataclass(slots=True)
class Chunk:
    """Records of one transaction, per partition in the order of the log."""

    records: list[RecordRows] = field(default_factory=list)

    @property
    def row_count(self) -> int:
        return sum(len(record.rows) for record in self.records)

    @property
    def partitions(self) -> list[int]:
        return sorted({record.partition for record in self.records})

    @property
    def next_offsets(self) -> dict[int, int]:
        """Where each partition goes on after this chunk."""
        return {record.partition: record.offset + 1 for record in self.records}

    @property
    def batches(self) -> list[BatchId]:
        """Each batch once."""
        return list({record.batch: None for record in self.records if record.batch is not None})

    @property
    def days(self) -> set[int]:
        return set().union(*(record.days for record in self.records))

    def rows_of(self, fresh: set[BatchId]) -> list[Row]:
        """The rows of batches in ``fresh``, each batch once though it may be here twice."""
        rows: list[Row] = []
        left = set(fresh)
        for record in self.records:
            if record.batch in left:
                left.discard(record.batch)
                rows.extend(record.rows)
        return rows


def chunks(records: Iterable[RecordRows], limit: int) -> Iterator[Chunk]:
    """Chunks of at most ``limit`` rows, or of one record that has more."""
    chunk = Chunk()
    size = 0
    for record in records:
        if chunk.records and size + len(record.rows) > limit:
            yield chunk
            chunk, size = Chunk(), 0
        chunk.records.append(record)
        size += len(record.rows)
    if chunk.records:
        yield chunk
