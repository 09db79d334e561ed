"""Questions that say whether a process is ready. Each answers with what is wrong, or None."""

import asyncio
import http.client
import socket
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

_PATIENCE = 2.0


class Probe(Protocol):
    """`failure()` returns one line that says why the process is not ready, or None when it is."""

    def failure(self) -> str | None: ...


@dataclass(frozen=True)
class AlwaysReady:
    """For a process that nobody waits for."""

    def failure(self) -> str | None:
        return None


@dataclass(frozen=True)
class HttpReady:
    """Ready when `url` answers 200."""

    url: str

    def failure(self) -> str | None:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=_PATIENCE)
        try:
            connection.request("GET", parts.path)
            answer = connection.getresponse()
            body = answer.read(300)
        except (OSError, http.client.HTTPException) as error:
            return f"{self.url}: {error}"
        finally:
            connection.close()
        if answer.status == 200:
            return None
        return f"{self.url}: {answer.status} {body.decode('utf-8', 'replace')}"


@dataclass(frozen=True)
class KafkaReady:
    """Ready when the cluster lists at least `brokers` brokers."""

    bootstrap_servers: str
    brokers: int = 1

    def failure(self) -> str | None:
        if not _listens(self.bootstrap_servers.split(",", maxsplit=1)[0]):
            return f"nothing listens on {self.bootstrap_servers}"
        return asyncio.run(self._ask())

    async def _ask(self) -> str | None:
        from aiokafka.errors import KafkaError

        from shared.runtime.kafka_connections import ClosingClient

        client = ClosingClient(bootstrap_servers=self.bootstrap_servers, request_timeout_ms=2000)
        try:
            await client.bootstrap()
            found = len(client.cluster.brokers())
        except (KafkaError, OSError) as error:
            return f"{self.bootstrap_servers}: {error!r}"
        finally:
            await client.close()
        return None if found >= self.brokers else f"{found} of {self.brokers} brokers"


@dataclass(frozen=True)
class PostgresReady:
    """Ready when a connection to `dsn` answers a query."""

    dsn: str

    def failure(self) -> str | None:
        return asyncio.run(self._ask())

    async def _ask(self) -> str | None:
        import asyncpg

        try:
            connection = await asyncpg.connect(self.dsn, timeout=_PATIENCE, command_timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            return f"Postgres: {error}"
        try:
            await connection.execute("SELECT 1")
        finally:
            await connection.close(timeout=_PATIENCE)
        return None


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE).close()
    except OSError:
        return False
    return True
