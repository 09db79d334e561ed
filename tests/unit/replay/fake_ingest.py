"""A small ingest on a real port: stores events by id, and can be told to misbehave."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Event = dict[str, Any]
KEY = "bw_" + "k" * 43


@dataclass
class FakeIngest:
    """``troubles`` are used up one a request: a status to answer with, ``drop`` to store the
    events and break the connection, ``half`` to store the first half of them."""

    url: str = ""
    troubles: list[int | str] = field(default_factory=list)
    refuses: Callable[[Event], str] = lambda event: ""
    stored: list[Event] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    max_batch: int = 1000

    @property
    def ids(self) -> list[str]:
        """Each id once, in the order of first arrival."""
        return list(dict.fromkeys(event["id"] for event in self.stored))

    def answer(self, key: str, body: bytes) -> tuple[int, dict[str, str], Any] | None:
        """Status, headers and document; None breaks the connection."""
        if key != f"Bearer {KEY}":
            return 401, {}, {"detail": "unknown key"}
        events: list[Event] = json.loads(body)
        self.requests.append(len(events))
        if len(events) > self.max_batch:
            return 413, {}, {"detail": "too many"}
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, int):
            return trouble, {"Retry-After": "0"}, {"detail": "not now"}
        items = [self._item(index, event) for index, event in enumerate(events)]
        if trouble == "half":
            for item in items[len(items) // 2 :]:
                item["status"] = "retry"
        kept = [e for e, item in zip(events, items, strict=True) if item["status"] == "accepted"]
        self.stored += kept
        if trouble == "drop":
            return None
        status = 202 if kept else 422
        return status, {}, {"accepted": len(kept), "items": items}

    def _item(self, index: int, event: Event) -> dict[str, Any]:
        reason = self.refuses(event)
        errors = [{"pointer": "/time", "detail": reason}] if reason else []
        status = "rejected" if reason else "accepted"
        return {"index": index, "id": event["id"], "status": status, "errors": errors}


@contextmanager
def fake_ingest(port: int = 0, ingest: FakeIngest | None = None) -> Iterator[FakeIngest]:
    """Serve on a free port, or on ``port``."""
    fake = ingest or FakeIngest()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = fake.answer(self.headers.get("Authorization", ""), body)
            if answer is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, headers, document = answer
            data = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """The test says what it wants to know."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
