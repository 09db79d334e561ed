"""What the compiled panes have to know of the indicators, by their wire form."""

from __future__ import annotations

from typing import Final

from services.scoring.core.sketch import UPPER_ENDS
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS

_KINDS: Final = [INDICATORS[name].kind for name in INDICATOR_IDS]

PaneKinds = tuple[list[bool], list[bool], list[bool], list[int]]

PANE_KINDS: Final[PaneKinds] = (
    [kind == "gauge" for kind in _KINDS],
    [kind in ("duration", "amount") for kind in _KINDS],
    [kind == "rating" for kind in _KINDS],
    UPPER_ENDS,
)
"""Whether each has a sum over all time, keeps a log-bucket sketch, keeps how many cases there are
of every value (ratings, 0 to 1000 per mille); and the sketch's table."""
