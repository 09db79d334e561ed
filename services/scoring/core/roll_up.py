"""Which scopes leaves are summed up in.

Cells come by leaf, figures are asked for by scope. What changes in a leaf changes its scopes, so
the cells of scopes are nowhere held: a change is spread over the scopes of its leaf when it is
added to windows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np

from services.scoring.core.columns import Column, Integers, spread
from services.scoring.core.series_numbers import SeriesNumbers
from shared.contracts.leaves import LeafName, scopes_of
from shared.contracts.scopes import ScopeName


class _Lists:
    """Short lists of integers that more are appended to, by number."""

    def __init__(self) -> None:
        self._firsts = Column()
        self._lengths = Column()
        self._values = Column()

    def append(self, lengths: Integers, values: Integers) -> None:
        """Lists of these lengths, whose values follow one another."""
        self._firsts.extend(len(self._values) + lengths.cumsum() - lengths)
        self._lengths.extend(lengths)
        self._values.extend(values)

    def joined(self, numbers: Integers) -> tuple[Integers, Integers]:
        """The values of some lists, one after the other, and for each the place of its list among
        ``numbers``."""
        lengths = self._lengths.values[numbers]
        places = np.arange(len(numbers)).repeat(lengths)
        return places, self._values.values[spread(self._firsts.values[numbers], lengths)]


class RollUp:
    """Numbers for leaves and for their series, and the series of their scopes.

    ``scope_id`` gives numbers to scopes, ``scope_series`` to the series of scopes.
    """

    def __init__(self, scope_id: Callable[[ScopeName], int], scope_series: SeriesNumbers) -> None:
        self._scope_id = scope_id
        self._scope_series = scope_series
        self._leaves: dict[LeafName, int] = {}
        self._scopes_of_leaf = _Lists()
        self._series = SeriesNumbers()
        self._above = _Lists()
        self._reached = 0

    def leaf_ids(self, names: list[LeafName]) -> list[int]:
        """The numbers of leaves, given out when they are first asked for."""
        new = [name for name in dict.fromkeys(names) if name not in self._leaves]
        if new:
            self._learn(new)
        return [self._leaves[name] for name in names]

    def series(self, leaf: Integers, indicator: Integers) -> Integers:
        """The series of leaves, given out where there was none; pairs may repeat."""
        series = self._series.place(leaf, indicator)
        if len(self._series) > self._reached:
            self._reach()
        return series

    def over(self, series: Integers) -> tuple[Integers, Integers]:
        """The series of the scopes in which series of leaves count, as many for each as its leaf
        has scopes; before them the place of each one's leaf among ``series``, ascending."""
        return self._above.joined(series)

    def _learn(self, names: Iterable[LeafName]) -> None:
        scopes = []
        for name in names:
            self._leaves[name] = len(self._leaves)
            scopes.append([self._scope_id(scope) for scope in scopes_of(name)])
        lengths = np.array([len(own) for own in scopes], np.int64)
        self._scopes_of_leaf.append(lengths, np.array([*chain(*scopes)], np.int64))

    def _reach(self) -> None:
        """Know the scopes' series of new series of leaves."""
        new = slice(self._reached, len(self._series))
        places, scopes = self._scopes_of_leaf.joined(self._series.owner[new])
        lengths = np.bincount(places, minlength=len(self._series) - self._reached)
        above = self._scope_series.place(scopes, self._series.indicator[new][places])
        self._above.append(lengths, above)
        self._reached = len(self._series)
