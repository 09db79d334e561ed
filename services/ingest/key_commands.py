"""`keys add|list|rotate|revoke`: what an administrator does with API keys."""

import argparse
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from services.ingest.core.keys import KEY_BYTES, checked, new_key
from services.ingest.key_store import (
    MIGRATIONS,
    SCHEMA,
    StoredKey,
    add_key,
    list_keys,
    revoke_key,
    rotate_key,
)
from shared.runtime.postgres import Connection, connect, migrate

Say = Callable[[str], None]


async def run(arguments: argparse.Namespace, dsn: str, say: Say) -> None:
    """Raises `KeyNotUsable` or `BadKey` with a message for the administrator."""
    await migrate(dsn, SCHEMA, MIGRATIONS)
    connection = await connect(dsn, schema=SCHEMA)
    try:
        await _COMMANDS[arguments.keys_command](arguments, connection, say)
    finally:
        await connection.close(timeout=5)


async def _add(arguments: argparse.Namespace, connection: Connection, say: Say) -> None:
    key, is_new = _key_for(arguments.key_file)
    key_id = await add_key(connection, key, sorted(set(arguments.source)), arguments.label)
    _hand_over(key, arguments.key_file, is_new, say)
    say(f"key {key_id} may send events of: {', '.join(sorted(set(arguments.source)))}")


async def _rotate(arguments: argparse.Namespace, connection: Connection, say: Say) -> None:
    key = new_key(secrets.token_bytes(KEY_BYTES))
    grace = timedelta(minutes=arguments.grace_minutes)
    key_id = await rotate_key(connection, arguments.source, key, grace)
    _hand_over(key, arguments.key_file, True, say)
    say(f"key {key_id} is in force; the old ones end in {arguments.grace_minutes} minutes")


async def _list(_arguments: argparse.Namespace, connection: Connection, say: Say) -> None:
    say(f"{'ID':>5}  {'STATE':<26}  {'CREATED':<16}  {'SOURCES':<30}  LABEL")
    for key in await list_keys(connection):
        created = f"{key.created_at:%Y-%m-%d %H:%M}"
        say(f"{key.id:>5}  {_state(key):<26}  {created}  {', '.join(key.sources):<30}  {key.label}")


async def _revoke(arguments: argparse.Namespace, connection: Connection, say: Say) -> None:
    await revoke_key(connection, arguments.id)
    say(f"key {arguments.id} is revoked; it is refused within seconds")


_COMMANDS = {"add": _add, "rotate": _rotate, "list": _list, "revoke": _revoke}


def _state(key: StoredKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    if key.expires_at is not None:
        return f"ends {key.expires_at:%Y-%m-%d %H:%M} UTC"
    return "in force"


def _key_for(key_file: Path | None) -> tuple[str, bool]:
    """The key of the file, or a new one; and whether it is new."""
    if key_file is not None and key_file.exists():
        return checked(key_file.read_text(encoding="ascii")), False
    return new_key(secrets.token_bytes(KEY_BYTES)), True


def _hand_over(key: str, key_file: Path | None, is_new: bool, say: Say) -> None:
    if key_file is None:
        say(f"{key}\nKeep it now: only its hash is stored, it cannot be shown again.")
    elif is_new:
        _write_private(key_file, key)
        say(f"the key is in {key_file}")


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    draft.replace(path)
