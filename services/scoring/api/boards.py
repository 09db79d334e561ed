"""Pages of the scoreboard as bytes: encoded once, sent to all who ask until a record changes."""

from __future__ import annotations

from typing import Final, NamedTuple

from services.scoring.api.answers import digest_etag
from services.scoring.api.score_store import ScoreFilter, ScoreStore

MAX_PAGES: Final = 64


class BoardPage(NamedTuple):
    """Rows joined by commas, their validator, and the scope to go on after, or None."""

    rows: bytes
    tag: str
    next: str | None


class Boards:
    """The pages that were asked for since the last change."""

    def __init__(self, scores: ScoreStore) -> None:
        self._scores = scores
        self._revision = scores.revision
        self._pages: dict[tuple[ScoreFilter, int, str | None], BoardPage] = {}

    def page(self, wanted: ScoreFilter, limit: int, after: str | None) -> BoardPage:
        """At most ``limit`` rows that follow the scope ``after``. Raises ``ScopeError``."""
        if self._scores.revision != self._revision or len(self._pages) >= MAX_PAGES:
            self._pages.clear()
            self._revision = self._scores.revision
        key = wanted, limit, after
        page = self._pages.get(key)
        if page is None:
            page = self._pages[key] = self._encode(wanted, limit, after)
        return page

    def _encode(self, wanted: ScoreFilter, limit: int, after: str | None) -> BoardPage:
        board = self._scores.board(wanted, limit, after)
        rows = b",".join(board.rows)
        tag = digest_etag(b"%b\n%b" % (rows, (board.next or "").encode()))
        return BoardPage(rows, tag, board.next)
