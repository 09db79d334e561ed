"""Confidence intervals, 95 % unless told otherwise.

Wilson's score interval for shares (Wilson, JASA 1927), ranks of order statistics for percentiles
(Hahn and Meeker, Statistical Intervals, 5.2, in the normal approximation), and the normal interval
of a mean. They are compiled: a score record has dozens of them.
"""

from bellwether_native import Z95, mean_interval, percentile_ranks, wilson

__all__ = ["Z95", "mean_interval", "percentile_ranks", "wilson"]
