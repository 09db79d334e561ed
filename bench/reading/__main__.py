"""The readers, a process of its own: `python -m bench.reading requests|streams --port …`.

`requests` asks at a steady rate, each request at its due time on a connection that is free then;
the time of a request begins when it was due. `streams` opens clients of `/v1/stream` and counts
what each is sent; it writes `ready` when all are open, and ends when its standard input does. What
was found goes to `--out` as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, Final, cast

import uvloop

from bench.reading.connection import Connection
from bench.reading.questions import questions

CONNECTIONS: Final = 64
OPENING: Final = 50
"""Clients that connect at the same time."""
LOOPBACK: Final = "127.0.0.1"
EVENT: Final = b"\nevent: score\n"


class Requests:
    """Open loop at ``rate`` requests a second."""

    def __init__(self, port: int, rate: float, seconds: float) -> None:
        self._port = port
        self._rate = rate
        self._count = int(rate * seconds)
        self._free: asyncio.Queue[Connection] = asyncio.Queue()
        self._ms: dict[str, list[float]] = defaultdict(list)
        self._bytes: dict[str, int] = {}
        self._late_ms: list[float] = []
        self._failures = 0

    async def run(self) -> dict[str, Any]:
        """Times by kind of question in ms, sizes in bytes, how late requests were sent (by this
        process and the machine, not by the API), and how many failed."""
        for _ in range(CONNECTIONS):
            self._free.put_nowait(await self._connect())
        asked = questions()
        began = time.perf_counter() + 0.1
        async with asyncio.TaskGroup() as requests:
            for number in range(self._count):
                due = began + number / self._rate
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                requests.create_task(self._ask(*next(asked), due))
        while not self._free.empty():
            self._free.get_nowait().close()
        return {
            "ms": self._ms,
            "bytes": self._bytes,
            "late_ms": self._late_ms,
            "failures": self._failures,
        }

    async def _ask(self, kind: str, path: str, due: float) -> None:
        self._late_ms.append((time.perf_counter() - due) * 1000)
        connection = await self._free.get()
        try:
            status, size = await connection.get(path, f"{LOOPBACK}:{self._port}")
        except (OSError, TimeoutError, RuntimeError) as error:
            self._failures += 1
            print(f"{path}: {error!r}", file=sys.stderr, flush=True)
            connection.close()
            connection = await self._connect()
        else:
            self._failures += status != 200
            self._ms[kind].append((time.perf_counter() - due) * 1000)
            self._bytes[kind] = size
        self._free.put_nowait(connection)

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(Connection, LOOPBACK, self._port))[1]


class Client(asyncio.Protocol):
    """Follows the stream and counts its score events; ``began`` is set by its first bytes."""

    def __init__(self) -> None:
        self.events = 0
        self.lost = False
        self.began = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._transport.write(b"GET /v1/stream HTTP/1.1\r\nHost: bench\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        self.began.set()
        text = self._rest + data
        self.events += text.count(EVENT)
        self._rest = text[-(len(EVENT) - 1) :]

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.began.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _stream(port: int, count: int) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    clients: list[Client] = []
    for first in range(0, count, OPENING):
        opened = await asyncio.gather(
            *(
                loop.create_connection(Client, LOOPBACK, port)
                for _ in range(first, min(first + OPENING, count))
            )
        )
        clients += [client for _, client in opened]
        await asyncio.gather(*(client.began.wait() for _, client in opened))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    found = {"events": [client.events for client in clients], "lost": sum(c.lost for c in clients)}
    for client in clients:
        client.close()
    return found


def main() -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.reading", description=__doc__)
    parser.add_argument("what", choices=("requests", "streams"))
    parser.add_argument("--port", type=int, required=True, help="of scoring's API")
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, default=60, help="of requests")
    parser.add_argument("--clients", type=int, default=500, help="of the stream")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.what == "requests":
        work = Requests(options.port, options.rate, options.seconds).run()
    else:
        work = _stream(options.port, options.clients)
    options.out.write_text(json.dumps(uvloop.run(work)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
