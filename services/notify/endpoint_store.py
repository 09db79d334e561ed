"""Webhook endpoints in Postgres, and the secrets that their messages are signed with."""

import secrets
from collections.abc import Mapping
from datetime import datetime

import asyncpg
import msgspec

from services.notify.core.signing import endpoint_secret
from services.notify.outbox import Delivery
from shared.runtime.database import Database

SETTINGS_ENDPOINT = "settings"
KEY_BYTES = 32
DELETED = "the endpoint was deleted"


class Endpoint(msgspec.Struct, kw_only=True, frozen=True):
    """An endpoint as it is shown: without its secret."""

    id: str
    url: str
    description: str
    created_at: datetime
    created_by: str
    disabled_at: datetime | None
    disabled_reason: str | None


class EndpointStore:
    """``settings_secret`` signs for the endpoint that the settings name. ``signing_key`` derives
    all other secrets; None: a key that is made once and kept in Postgres."""

    def __init__(
        self,
        database: Database,
        queries: Mapping[str, str],
        *,
        settings_secret: str | None,
        signing_key: str | None,
    ) -> None:
        self._database = database
        self._sql = queries
        self._settings_secret = settings_secret
        self._key = signing_key.encode() if signing_key else b""

    async def start(self, settings_url: str | None, at: datetime) -> None:
        """Make the settings' endpoint what the settings say, and get the key."""
        pool = self._database.pool
        if settings_url is not None:
            await pool.execute(self._sql["set_settings_endpoint"], SETTINGS_ENDPOINT, settings_url)
        else:
            await self._remove(SETTINGS_ENDPOINT, "settings", at)
        if not self._key:
            await pool.execute(self._sql["make_signing_key"], secrets.token_bytes(KEY_BYTES))
            self._key = bytes(await pool.fetchval(self._sql["get_signing_key"]))

    def secret_of(self, delivery: Delivery) -> str:
        """What signs this delivery."""
        return self._secret(delivery.endpoint_id, delivery.salt)

    async def add(self, url: str, description: str, actor: str) -> tuple[Endpoint, str]:
        """A new endpoint and its secret, which is not told again."""
        new_id = f"ep_{secrets.token_hex(8)}"
        salt = secrets.token_bytes(16)
        row = await self._database.pool.fetchrow(
            self._sql["add_endpoint"], new_id, url, description, salt, actor
        )
        assert row is not None
        return _endpoint(row), self._secret(new_id, salt)

    async def all(self) -> list[Endpoint]:
        rows = await self._database.pool.fetch(self._sql["list_endpoints"])
        return [_endpoint(row) for row in rows]

    async def enable(self, endpoint: str) -> Endpoint | None:
        row = await self._database.pool.fetchrow(self._sql["enable_endpoint"], endpoint)
        return None if row is None else _endpoint(row)

    async def delete(self, endpoint: str, actor: str, at: datetime) -> bool:
        """False when there is none."""
        return await self._remove(endpoint, actor, at)

    async def _remove(self, endpoint: str, actor: str, at: datetime) -> bool:
        async with self._database.pool.acquire() as connection, connection.transaction():
            removed = await connection.fetchval(self._sql["delete_endpoint"], endpoint, at, actor)
            if removed is not None:
                await connection.execute(self._sql["bury_deliveries"], endpoint, at, DELETED)
        return removed is not None

    def _secret(self, endpoint: str, salt: bytes | None) -> str:
        if salt is not None:
            return endpoint_secret(self._key, endpoint, salt)
        if self._settings_secret is None:
            raise RuntimeError("the settings name no secret for their endpoint")
        return self._settings_secret


def _endpoint(row: asyncpg.Record) -> Endpoint:
    return Endpoint(**{name: row[name] for name in Endpoint.__struct_fields__})
