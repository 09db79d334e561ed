"""A ticket at rest: its life so far and its facts, in a few hundred bytes.

Facts rest as one string of MessagePack arrays. A fact that comes in order is appended without
reading the others: that an event is new is seen by looking for its hash in the string. The whole
list is only read where the hash is there, and to replay a history. The changelog takes the bytes as
they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from services.scoring.core.ledger import Fact
from services.scoring.core.lifecycle import Life, new_life

_UINT64: Final = 0xCF
_ARRAY32: Final = 0xDD
_FACT_ENCODER: Final = msgspec.msgpack.Encoder()
_FACTS_DECODER: Final = msgspec.msgpack.Decoder(list[Fact])


class Ticket(msgspec.Struct, array_like=True, gc=False):
    """``facts`` holds ``life.facts`` facts, in the order they came."""

    life: Life
    facts: bytes = b""

    def knows(self, fact: Fact) -> bool:
        """Whether the event is among the facts."""
        return self._may_know(fact) and any(
            known.event == fact.event for known in self.list_facts()
        )

    def _may_know(self, fact: Fact) -> bool:
        """Whether its hash is somewhere in the facts: maybe as what a correction corrects."""
        if fact.event < 1 << 32:  # such a hash has a shorter form, which other numbers may contain
            return True
        return b"%c%b" % (_UINT64, fact.event.to_bytes(8)) in self.facts

    def append(self, facts: Iterable[Fact]) -> None:
        """Keep facts that are not known yet."""
        self.facts += b"".join(map(_FACT_ENCODER.encode, facts))

    def list_facts(self) -> list[Fact]:
        """All facts, in the order they came."""
        count = self.life.facts.to_bytes(4)
        return _FACTS_DECODER.decode(b"%c%b%b" % (_ARRAY32, count, self.facts))


class _Life(msgspec.Struct, array_like=True, gc=False):
    next_due_ms: int


class _Ticket(msgspec.Struct, array_like=True, gc=False):
    life: _Life


_DUE_DECODER: Final = msgspec.msgpack.Decoder(_Ticket)
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Ticket)


def size_of(fact: Fact) -> int:
    """Bytes that a fact takes at rest."""
    return len(_FACT_ENCODER.encode(fact))


def new_ticket() -> Ticket:
    """A ticket that nothing is known of."""
    return Ticket(new_life())


def pack(ticket: Ticket) -> bytes:
    """The resting form of a ticket."""
    return _ENCODER.encode(ticket)


def next_due_ms(packed: bytes) -> int:
    """When something falls due, without reading the rest."""
    return _DUE_DECODER.decode(packed).life.next_due_ms


def unpack(packed: bytes) -> Ticket:
    """The inverse of `pack`."""
    return _DECODER.decode(packed)
