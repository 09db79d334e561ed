"""How long to wait before the next try, and when to stop trying. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Backoff:
    """Exponential, with jitter, so that many senders do not come back at the same moment."""

    first_s: float = 0.2
    factor: float = 2.0
    longest_s: float = 5.0
    give_up_after_s: float = 900.0

    def delay(
        self, failures: int, failing_for_s: float, asked_s: float | None, random: Random
    ) -> float | None:
        """Seconds to wait after ``failures`` failed tries in a row (from 1); None to give up.

        ``asked_s`` is what the server asked for: never less than that.
        """
        if failing_for_s >= self.give_up_after_s:
            return None
        ceiling = min(self.longest_s, self.first_s * self.factor ** min(failures - 1, 32))
        return max(ceiling * random.uniform(0.5, 1.0), asked_s or 0.0)
