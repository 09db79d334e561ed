"""Asks scoring for the figures of a period.

ScoringError
├── ScoringAway     it did not answer, or says that it cannot now: try again later
└── ScoringRefused  it answered something that no repetition of the question changes
"""

import httpx
import msgspec

from services.feedback import metrics
from services.feedback.core.results import PeriodResults

RETRY_AFTER_SECONDS = 5


class ScoringError(Exception):
    """The figures could not be had."""


class ScoringAway(ScoringError):
    """Scoring cannot answer now."""


class ScoringRefused(ScoringError):
    """Scoring answered with an error of the request, or with what we do not understand."""


class ScoringClient:
    """``url`` is that of scoring's read API; ``seconds`` bounds one answer."""

    def __init__(self, url: str, seconds: float) -> None:
        self._client = httpx.AsyncClient(
            base_url=url, timeout=seconds, trust_env=False, follow_redirects=False
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def period(self, period: str) -> PeriodResults:
        """Raises `ScoringError`."""
        try:
            response = await self._client.get(f"/v1/periods/{period}/employees")
        except httpx.HTTPError as error:
            metrics.SCORING_AWAY.inc()
            raise ScoringAway(f"scoring did not answer: {type(error).__name__}") from error
        if response.status_code >= 500 or response.status_code == 429:
            metrics.SCORING_AWAY.inc()
            raise ScoringAway(f"scoring answered {response.status_code}")
        if response.status_code != 200:
            raise ScoringRefused(f"scoring answered {response.status_code}")
        return _read(period, response.content)


def _read(period: str, content: bytes) -> PeriodResults:
    try:
        results = msgspec.json.decode(content, type=PeriodResults)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ScoringRefused(f"scoring's answer cannot be read: {error}") from error
    if results.period != period:
        raise ScoringRefused(f"scoring answered for {results.period} instead of {period}")
    return results
