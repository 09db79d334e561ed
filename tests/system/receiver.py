"""A webhook receiver as a customer would write one: it trusts a delivery only by its signature."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


@dataclass(frozen=True)
class Delivery:
    """What came: its `webhook-id`, its parsed body, and whether the signature holds."""

    id: str
    body: dict[str, Any]
    is_genuine: bool


@dataclass
class Receiver:
    """Its address, and what has come so far. ``secret`` is asked for at each delivery, since a
    system makes its own when it starts."""

    url: str
    secret: Callable[[], str] | None = None
    deliveries: list[Delivery] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> None:
        self.deliveries.append(
            Delivery(headers["webhook-id"], json.loads(body), self._is_genuine(headers, body))
        )

    def _is_genuine(self, headers: dict[str, str], body: bytes) -> bool:
        assert self.secret is not None
        try:
            Webhook(self.secret()).verify(body, headers)
        except WebhookVerificationError:
            return False
        return True


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of the loopback interface."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing: the deliveries are what is looked at."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
