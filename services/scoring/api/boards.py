"""Pages of the scoreboard as bytes: encoded once, sent to all who ask until a record changes that
their filter matches."""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from services.scoring.api.answers import digest_etag, to_cursor
from services.scoring.api.score_store import ScoreFilter, ScoreStore

MAX_PAGES: Final = 64
_ENCODER: Final = msgspec.json.Encoder()


class BoardPage(NamedTuple):
    """Rows and whatever follows them in the answer, their validator, and the state they show."""

    items: bytes
    tag: str
    revision: int


class Boards:
    """The ``MAX_PAGES`` pages that were asked for last; the limit of each bounds its length."""

    def __init__(self, scores: ScoreStore) -> None:
        self._scores = scores
        self._pages: dict[tuple[ScoreFilter, int, str | None], BoardPage] = {}

    def page(self, wanted: ScoreFilter, limit: int, after: str | None) -> BoardPage:
        """At most ``limit`` rows that follow the scope ``after``. Raises ``ScopeError``."""
        key = wanted, limit, after
        page = self._pages.pop(key, None)
        if page is None or page.revision < self._scores.changed(wanted):
            page = self._encode(wanted, limit, after)
        self._pages[key] = page
        if len(self._pages) > MAX_PAGES:
            del self._pages[next(iter(self._pages))]
        return page

    def _encode(self, wanted: ScoreFilter, limit: int, after: str | None) -> BoardPage:
        board = self._scores.board(wanted, limit, after)
        end = b'],"next":%b}' % _ENCODER.encode(to_cursor(board.next))
        tag = digest_etag(board.digests + end)
        return BoardPage(b",".join(board.rows) + end, tag, self._scores.revision)
