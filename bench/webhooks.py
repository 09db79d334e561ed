"""A webhook receiver on the loopback interface that notes when each message first came."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.load.probes import TARGET, Arrival


@dataclass
class Receiver:
    """Its address, and the first attempts of alerts that probes opened."""

    url: str
    messages: int = 0
    _seen: set[str] = field(default_factory=set)
    _arrivals: list[Arrival] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def arrivals(self) -> list[Arrival]:
        """So far."""
        with self._lock:
            return list(self._arrivals)

    def take(self, message_id: str, body: bytes, at_ms: float) -> None:
        """One delivery; a repeated one changes nothing."""
        content = json.loads(body)
        alert = content["data"]["alert"]
        with self._lock:
            self.messages += 1
            if message_id in self._seen:
                return
            self._seen.add(message_id)
            if content["type"] == "alert.opened" and alert["target"] == TARGET:
                department = alert["scope"].removeprefix("department:")
                self._arrivals.append(Arrival(department, alert["started_ms"], at_ms))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            at_ms = time.time() * 1000
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(204)
            self.end_headers()
            receiver.take(self.headers["webhook-id"], body, at_ms)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the arrivals are what is looked at."""

    server = _Server(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever, name="webhooks")
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
