"""uv in a folder of its own, and with it the workspace's packages from the lock file.

One of them is compiled (`services/scoring/native`): again when, and only when, its sources change.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.local.bootstrap.machine import CHECKOUT, TOOLS, CommandFailed, ensure_apt, run, say
from deploy.local.bootstrap.rust import ensure_rust, rust_environment

UV_VERSION = "0.13.9"

_HOME = TOOLS / f"uv-{UV_VERSION}"


def ensure_python_environment() -> None:
    uv = ensure_uv()
    ensure_rust()
    if not (CHECKOUT / ".venv").exists():
        say("installing the Python packages of uv.lock into .venv")
    run(
        [uv, "sync", "--quiet", "--frozen", "--all-packages", "--all-extras"],
        environ=rust_environment(),
    )


def ensure_uv() -> Path:
    """Return uv of the pinned version, installed by pip into `.tools` when it is not there."""
    uv = _HOME / "bin" / "uv"
    if not uv.exists():
        say(f"installing uv {UV_VERSION} into {_HOME.relative_to(CHECKOUT)}")
        _install()
    return uv


def _install() -> None:
    """A virtual environment if Python can make one, else a plain folder; neither touches the OS."""
    requirement = f"uv=={UV_VERSION}"
    quiet = ("--quiet", "--disable-pip-version-check")
    if not _can_make_environments() and not _has_pip():
        ensure_apt("Python cannot install packages (no venv, no pip).", ["python3-venv"])
    shutil.rmtree(_HOME, ignore_errors=True)
    if _can_make_environments():
        run([sys.executable, "-m", "venv", _HOME])
        run([_HOME / "bin" / "python", "-m", "pip", "install", *quiet, requirement])
    else:
        run([sys.executable, "-m", "pip", "install", *quiet, "--target", _HOME, requirement])
    if not os.access(_HOME / "bin" / "uv", os.X_OK):
        raise CommandFailed(f"pip installed no uv into {_HOME}")


def _can_make_environments() -> bool:
    return _works("import ensurepip, venv")


def _has_pip() -> bool:
    return _works("import pip")


def _works(statement: str) -> bool:
    command = [sys.executable, "-c", statement]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own
