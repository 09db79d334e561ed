"""Publishes each closed period once, by itself, after a grace."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from services.feedback import metrics
from services.feedback.core.periods import is_due, months_before
from services.feedback.result_store import ResultStore
from services.feedback.scoring_client import ScoringClient, ScoringError
from shared.runtime.database import is_refusal

log = structlog.get_logger("auto_publisher")

ACTOR = "bellwether"
MONTHS_BACK = 12
RETRY_SECONDS = 30.0


class AutoPublisher:
    """``clock`` gives aware times."""

    def __init__(
        self,
        store: ResultStore,
        scoring: ScoringClient,
        *,
        grace_hours: float,
        interval_seconds: float,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._scoring = scoring
        self._grace_hours = grace_hours
        self._interval = interval_seconds
        self._clock = clock

    async def run(self) -> None:
        while True:
            try:
                await self.publish_what_is_due()
            except Exception as error:
                if not (isinstance(error, ScoringError) or is_refusal(error)):
                    raise
                log.warning("auto_publication_postponed", error=str(error))
                await asyncio.sleep(min(RETRY_SECONDS, self._interval))
            else:
                metrics.LAST_AUTO_RUN.set_to_current_time()
                await asyncio.sleep(self._interval)

    async def publish_what_is_due(self) -> list[str]:
        """The periods published now. Raises `ScoringError`."""
        recent = months_before(self._clock().date(), MONTHS_BACK)
        waiting = await self._store.not_yet_auto_published(recent)
        return [period for period in waiting if await self._publish(period)]

    async def _publish(self, period: str) -> bool:
        """A period without any results is left to be looked at again: they may be replayed yet."""
        results = await self._scoring.period(period)
        now = self._clock()
        due = is_due(
            closed=results.closed,
            end_ms=results.end_ms,
            now_ms=int(now.timestamp() * 1000),
            grace_hours=self._grace_hours,
        )
        if not due or not results.items:
            return False
        done = await self._store.publish(results, ACTOR, now)
        await self._store.note_auto_publication(period, now, len(results.items))
        log.info("auto_published", period=period, published=done.published)
        return True
