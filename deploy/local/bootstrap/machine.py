"""The machine we prepare: running commands on it, and installing what only root can."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
TOOLS = CHECKOUT / ".tools"


class Missing(Exception):
    """Something is missing that we may not install. The message names the command that does."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} Install it:  {command}")


class CommandFailed(Exception):
    """A command that we ran failed; it has shown its own output."""


def say(message: str) -> None:
    print(f"bootstrap: {message}", flush=True)


def run(
    command: Sequence[str | Path],
    cwd: Path = CHECKOUT,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Run `command`, showing its output. Raises CommandFailed."""
    done = subprocess.run(  # noqa: S603 - our own commands
        [str(part) for part in command], cwd=cwd, env={**os.environ, **(environ or {})}, check=False
    )
    if done.returncode != 0:
        raise CommandFailed(f"{' '.join(str(p) for p in command)} ended with {done.returncode}")


def may_apt() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def ensure_apt(what: str, packages: Sequence[str]) -> None:
    """Install Debian packages when we may. Raises Missing, naming the command, when not."""
    names = " ".join(packages)
    if not may_apt():
        raise Missing(what, f"sudo apt-get install -y {names}")
    say(f"{what} Installing with apt-get: {names}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-qq"], environ=quiet)
    run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages], environ=quiet)


def fingerprint(files: Iterable[Path]) -> str:
    """Return a digest of the names and contents of `files`."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(CHECKOUT)}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


class Stamp:
    """Remembers the fingerprint for which a step was last done."""

    def __init__(self, name: str) -> None:
        self._file = TOOLS / "stamps" / name

    def matches(self, value: str) -> bool:
        return self._file.exists() and self._file.read_text(encoding="utf-8") == value

    def write(self, value: str) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(value, encoding="utf-8")
