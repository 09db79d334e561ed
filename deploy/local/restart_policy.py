"""When a process that died is started again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """Doubling delays in seconds, from `first` to `longest`.

    A process that had run for `settled` seconds is treated as healthy: its next death counts as
    the first one. After `loud_after` deaths in a row the death is reported as a standing problem.
    """

    first: float = 0.5
    longest: float = 15.0
    settled: float = 20.0
    loud_after: int = 4

    def deaths_in_a_row(self, before: int, uptime: float) -> int:
        return 1 if uptime >= self.settled else before + 1

    def delay(self, deaths: int) -> float:
        return float(min(self.longest, self.first * 2 ** (deaths - 1)))

    def is_standing_problem(self, deaths: int) -> bool:
        return deaths >= self.loud_after
