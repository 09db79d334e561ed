"""What changes, to everybody who asked for it: one broadcaster per filter in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec
from fastapi import Request
from starlette.responses import StreamingResponse

from services.scoring.api.score_store import Entry, ScoreFilter
from shared.contracts.breaches import Breach
from shared.contracts.scopes import Scope
from shared.runtime.http import Problem
from shared.runtime.sse import Broadcaster

MAX_FILTERS: Final = 256
HISTORY: Final = 4096
MAX_PENDING: Final = 8192
FORGET_MS: Final = 5 * 60_000

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class _Channel:
    broadcaster: Broadcaster
    used_ms: int


class Streams:
    """Events ``score``, ``breach`` and ``clock``; ``first_id`` begins the ids of this process, so
    that ids of an earlier one are recognised as unknown."""

    def __init__(self, first_id: int) -> None:
        self._channels: dict[ScoreFilter, _Channel] = {}
        self._id = first_id

    @property
    def clients(self) -> int:
        """Clients that follow any stream."""
        return sum(channel.broadcaster.clients for channel in self._channels.values())

    def follow(
        self, request: Request, wanted: ScoreFilter, hello: dict[str, object], now_ms: int
    ) -> StreamingResponse:
        """The stream of one client; a client that comes back says where it was."""
        channel = self._channel(wanted, now_ms)
        greeting = b"event: hello\ndata: " + _ENCODER.encode(hello) + b"\n\n"
        last = request.headers.get("last-event-id")
        return channel.broadcaster.stream(request, last, greeting)

    def score(self, entry: Entry) -> None:
        """A record of ``scores`` came."""
        self._id += 1
        for wanted, channel in self._channels.items():
            if wanted.matches(entry):
                channel.broadcaster.publish("score", entry.raw, self._id)

    def breach(self, breach: Breach, raw: bytes) -> None:
        """A transition came; kinds and windows do not hold it back, a department does."""
        self._id += 1
        department = Scope.parse(breach.scope).department
        for wanted, channel in self._channels.items():
            if wanted.department in ("", department):
                channel.broadcaster.publish("breach", raw, self._id)

    def clock(self, stream_ms: int, now_ms: int) -> None:
        """Stream time has moved."""
        self._id += 1
        data = _ENCODER.encode({"stream_ms": stream_ms})
        for channel in self._channels.values():
            channel.broadcaster.publish("clock", data, self._id)
        self.forget_unused(now_ms)

    def forget_unused(self, now_ms: int) -> None:
        """Drop filters that nobody has used for a while: nobody will resume them."""
        for wanted, channel in list(self._channels.items()):
            if channel.broadcaster.clients:
                channel.used_ms = now_ms
            elif now_ms - channel.used_ms > FORGET_MS:
                del self._channels[wanted]

    def _channel(self, wanted: ScoreFilter, now_ms: int) -> _Channel:
        channel = self._channels.get(wanted)
        if channel is None:
            if len(self._channels) >= MAX_FILTERS:
                raise Problem(
                    503,
                    detail="too many different streams are open: ask for fewer filters",
                    headers={"Retry-After": "60"},
                )
            broadcaster = Broadcaster("scores", history=HISTORY, max_pending=MAX_PENDING)
            channel = self._channels[wanted] = _Channel(broadcaster, now_ms)
        channel.used_ms = now_ms
        return channel
