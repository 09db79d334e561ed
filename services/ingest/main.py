"""The composition root of ingest: `python -m services.ingest.main [serve | keys …]`."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.ingest import key_commands
from services.ingest.api import events_router
from services.ingest.api_models import SECURITY_SCHEMES
from services.ingest.core.keys import BadKey
from services.ingest.key_store import DATABASE_AWAY, MIGRATIONS, SCHEMA, KeyCache, KeyNotUsable
from services.ingest.publisher import Publisher
from services.ingest.settings import IngestSettings
from shared.contracts.topics import INPUTS
from shared.runtime.http import create_app, serve
from shared.runtime.kafka import ensure_topics, make_producer
from shared.runtime.postgres import Pool, describe, migrate, open_pool, ping
from shared.runtime.telemetry import configure_logging

VERSION = "1.0.0"
EXAMPLES = """examples:
  python -m services.ingest.main                            serve on BELLWETHER_INGEST_PORT
  python -m services.ingest.main keys add crm-a             print a new key for source crm-a
  python -m services.ingest.main keys add '*' --key-file var/secrets/ingest.key --label local
  python -m services.ingest.main keys list
  python -m services.ingest.main keys rotate crm-a --grace-minutes 60
  python -m services.ingest.main keys revoke 3
"""


@dataclass
class Parts:
    """What lives while the service runs."""

    pool: Pool
    keys: KeyCache
    publisher: Publisher


def build_app(settings: IngestSettings) -> FastAPI:
    running: list[Parts] = []

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with _parts(settings) as parts:
            running.append(parts)
            yield
            running.clear()

    async def database_ready() -> None:
        await ping(running[0].pool)

    async def broker_ready() -> None:
        await running[0].publisher.check()

    async def publisher_alive() -> None:
        await running[0].publisher.alive()

    async def keys_alive() -> None:
        await running[0].keys.alive()

    app = create_app(
        title="Bellwether ingest",
        service="ingest",
        version=VERSION,
        lifespan=lifespan,
        readiness=[("postgres", database_ready), ("kafka", broker_ready)],
        liveness=[("publisher", publisher_alive), ("keys", keys_alive)],
        description="Takes events from CRM systems, survey tools and files.",
    )
    app.include_router(
        events_router(
            lambda: running[0].keys,
            lambda: running[0].publisher,
            lambda: datetime.now(UTC),
            settings.ingest_max_batch,
        )
    )
    _describe_security(app)
    return app


@asynccontextmanager
async def _parts(settings: IngestSettings) -> AsyncIterator[Parts]:
    dsn = settings.postgres_dsn.get_secret_value()
    await migrate(dsn, SCHEMA, MIGRATIONS)
    async with await open_pool(dsn, schema=SCHEMA, max_size=2) as pool:
        keys = KeyCache(pool, settings.ingest_key_refresh_seconds)
        publisher = _publisher(settings)
        await keys.start()
        publisher.start()
        try:
            yield Parts(pool, keys, publisher)
        finally:
            await publisher.stop()
            await keys.stop()


def _publisher(settings: IngestSettings) -> Publisher:
    bootstrap = settings.kafka_bootstrap_servers

    async def prepare() -> None:
        await ensure_topics(bootstrap, INPUTS, settings.partitions, settings.kafka_replication)

    return Publisher(
        lambda: make_producer(bootstrap, client_id="bellwether-ingest", request_timeout_ms=5000),
        prepare,
        INPUTS,
        settings.ingest_delivery_seconds,
    )


def _describe_security(app: FastAPI) -> None:
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        schema = generate()
        schema.setdefault("components", {})["securitySchemes"] = SECURITY_SCHEMES
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.ingest.main",
        description="Takes events over HTTP and publishes them to Kafka.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="serve|keys")
    commands.add_parser("serve", help="serve HTTP (what happens without a command)")
    keys = commands.add_parser("keys", help="add, list, rotate and revoke API keys")
    _add_key_commands(keys.add_subparsers(dest="keys_command", required=True))
    return parser


def _add_key_commands(commands: Any) -> None:
    add = commands.add_parser("add", help="make a key, or register the one of a file")
    add.add_argument("source", nargs="+", help="sources that the key may report, '*' for any")
    add.add_argument("--label", default="", help="who has the key, for the list")
    commands.add_parser("list", help="list all keys (never their text)")
    rotate = commands.add_parser("rotate", help="make a new key; the old ones end soon")
    rotate.add_argument("source", help="the source whose keys are replaced")
    rotate.add_argument("--grace-minutes", type=float, default=60, help="default: 60")
    for command in (add, rotate):
        command.add_argument("--key-file", type=Path, help="put the key there (mode 0600)")
    revoke = commands.add_parser("revoke", help="end a key now")
    revoke.add_argument("id", type=int, help="the key's id in the list")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    settings = IngestSettings()
    if arguments.command == "keys":
        return _keys(arguments, settings)
    configure_logging("ingest", settings)
    serve(build_app(settings), settings.ingest_host, settings.ingest_port)
    return 0


def _keys(arguments: argparse.Namespace, settings: IngestSettings) -> int:
    dsn = settings.postgres_dsn.get_secret_value()
    try:
        asyncio.run(key_commands.run(arguments, dsn, print))
    except (BadKey, KeyNotUsable) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except DATABASE_AWAY as error:
        print(f"error: Postgres at {describe(dsn)}: {error!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
