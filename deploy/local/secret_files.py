"""Secrets of a local system: generated once, kept in files that only their owner may read."""

import base64
import os
import secrets
from collections.abc import Callable
from pathlib import Path


def token(file: Path) -> str:
    """Return the token in `file`; a fresh one (256 bits, URL-safe) is written when missing."""
    return _read_or_create(file, lambda: secrets.token_urlsafe(32))


def api_key(file: Path) -> str:
    """Return the API key in `file`; a fresh one is written when missing."""
    return _read_or_create(file, lambda: f"bw_{secrets.token_urlsafe(32)}")


def webhook_secret(file: Path) -> str:
    """Return the Standard Webhooks secret (`whsec_` and base64) in `file`, created when missing."""
    return _read_or_create(
        file, lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    )


def _read_or_create(file: Path, create: Callable[[], str]) -> str:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(create() + "\n")
    return file.read_text(encoding="utf-8").strip()
