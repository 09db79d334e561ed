"""Remove what was built or downloaded, and the data of the local system."""

from __future__ import annotations

import fcntl
import shutil
from pathlib import Path

from deploy.local.bootstrap.machine import CHECKOUT, CommandFailed, say

_BUILT = (
    *("var", ".venv", ".tools", "console/dist", "console/node_modules"),
    "services/scoring/native/target",
    *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".import_linter_cache"),
)


def clean() -> None:
    _refuse_while_running(CHECKOUT / "var" / "run" / "lock")
    _remove_outside_data(CHECKOUT / "var" / "postgres" / "data")
    for name in _BUILT:
        if (CHECKOUT / name).exists():
            say(f"removing {name}")
            shutil.rmtree(CHECKOUT / name)


def _refuse_while_running(lock: Path) -> None:
    if not lock.exists():
        return
    with lock.open(encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandFailed("the local system runs; stop it first (Ctrl-C)") from None


def _remove_outside_data(link: Path) -> None:
    """Postgres data may live outside the checkout when we are root: see postgres.py."""
    if link.is_symlink():
        shutil.rmtree(link.resolve(), ignore_errors=True)
