"""A hash table from 64-bit keys to dense places, asked and filled a whole array at a time.

Windows keep cells in dense numpy columns; this says which place belongs to a key. Open addressing
with linear probing at a load of at most a half: an array of keys is looked up in a few rounds of
numpy calls, at some 30 ns a key, and a key costs 8 bytes here and 8 to 16 in the table, where a
dict would take a hundred and a call for each key.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core.columns import Integers, run_starts

_LEAST_CAPACITY: Final = 64
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
"""2**64 divided by the golden ratio (Knuth, TAOCP vol. 3, 6.4: multiplicative hashing)."""
_FREE: Final = -1


def distinct(keys: Integers) -> Integers:
    """Each key once, ascending; several times as fast as ``numpy.unique``."""
    ordered = np.sort(keys)
    return ordered[run_starts(ordered)]


class KeyIndex:
    """Places 0, 1, 2, … of keys, in the order in which they were first placed (within one call
    ascending by key). Keys are never taken out: whoever has too many begins a new index."""

    __slots__ = ("_keys", "_size", "_table")

    def __init__(self) -> None:
        self._keys: Integers = np.empty(_LEAST_CAPACITY, np.int64)
        self._size = 0
        self._table = self._new_table()

    def __len__(self) -> int:
        return self._size

    @property
    def keys(self) -> Integers:
        """The keys by place; a view, to be read only."""
        return self._keys[: self._size]

    def find(self, keys: Integers) -> Integers:
        """The place of each key, -1 where there is none; keys may repeat."""
        slots = self._slots(keys)
        places = self._table[slots].astype(np.int64)
        # A free slot reads some key, too, which then counts for nothing.
        (asked,) = np.nonzero((self._keys[places] != keys) & (places != _FREE))
        slots = slots[asked]
        while len(asked):
            slots = self._next(slots)
            found = self._table[slots]
            places[asked] = found
            wrong = (self._keys[found] != keys[asked]) & (found != _FREE)
            asked, slots = asked[wrong], slots[wrong]
        return places

    def place(self, keys: Integers) -> Integers:
        """The place of each key, given out where there was none; keys may repeat."""
        places = self.find(keys)
        missing = places == _FREE
        if missing.any():
            new = distinct(keys[missing])
            first = self._append(new)
            places[missing] = first + np.searchsorted(new, keys[missing])
        return places

    def _append(self, new: Integers) -> int:
        """Place distinct keys that are not there; the first one's place."""
        first, self._size = self._size, self._size + len(new)
        if self._size > len(self._keys):
            grown = np.empty(max(2 * len(self._keys), self._size), np.int64)
            grown[:first] = self._keys[:first]
            self._keys = grown
            self._keys[first : self._size] = new
            self._table = self._new_table()
            self._settle(np.arange(self._size))
        else:
            self._keys[first : self._size] = new
            self._settle(np.arange(first, self._size))
        return first

    def _new_table(self) -> NDArray[np.int32]:
        """A power of two of slots, at least twice as many as there may be keys."""
        return np.full(1 << (2 * len(self._keys) - 1).bit_length(), _FREE, np.int32)

    def _settle(self, places: Integers) -> None:
        """Give every place a slot. Those that want the same free slot write one after the other,
        and whoever does not find itself there afterwards goes on to the next."""
        slots = self._slots(self._keys[places])
        while len(places):
            free = self._table[slots] == _FREE
            self._table[slots[free]] = places[free]
            left = self._table[slots] != places
            places, slots = places[left], self._next(slots[left])

    def _slots(self, keys: Integers) -> Integers:
        bits = len(self._table).bit_length() - 1
        hashed = keys.astype(np.uint64) * _MULTIPLIER
        # Keys are packed from parts with gaps between them: one multiplication alone puts some of
        # those side by side, and probing then takes five times as many steps.
        hashed ^= hashed >> np.uint64(32)
        hashed *= _MULTIPLIER
        return (hashed >> np.uint64(64 - bits)).astype(np.int64)

    def _next(self, slots: Integers) -> Integers:
        return (slots + 1) & (len(self._table) - 1)
