"""Which indicators keep how many cases there are of each value, and in which buckets.

Durations and amounts keep a log-bucket sketch. Ratings have 1001 possible values, 0 to 1000 per
mille, so their buckets are the values themselves and their spread is exact.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.scoring.core import sketch
from shared.contracts.indicators import INDICATOR_IDS, INDICATORS

MAX_RATING: Final = 1000
_LOGARITHMIC: Final = np.array(
    [INDICATORS[i].kind in ("duration", "amount") for i in INDICATOR_IDS]
)
_EXACT: Final = np.array([INDICATORS[i].kind == "rating" for i in INDICATOR_IDS])
NO_BUCKET: Final = -2


def buckets_of(indicators: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bucket of each measurement, -1 or greater; NO_BUCKET where its indicator keeps none."""
    exact = np.where(_EXACT[indicators], values, NO_BUCKET)
    return np.where(_LOGARITHMIC[indicators], sketch.buckets_of(values), exact)
