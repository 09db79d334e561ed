"""Rust of version 1.85 or later, which compiles the measuring engine's core."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from deploy.local.bootstrap.machine import (
    CHECKOUT,
    CommandFailed,
    Missing,
    ensure_apt,
    may_apt,
    run,
)

OLDEST = (1, 85)

_RUSTUP = "https://sh.rustup.rs"
_TOO_OLD = "Rust 1.85 or later is missing: it compiles the measuring engine's core."
_NO_CHECKS = "rustfmt or clippy is missing: they check the measuring engine's core."
_LIBRARY = ("LDVERSION", "LIBDIR")
_CONFIG = "import sysconfig; print(sysconfig.get_config_var({!r}), end='')"


class _AptNames(NamedTuple):
    """Debian's names: `-web` is the newer Rust beside that of an old stable release."""

    rustc: str
    cargo: str
    rustfmt: str
    clippy: str


_APT = (
    _AptNames("rustc", "cargo", "rustfmt", "rust-clippy"),
    _AptNames("rustc-web", "cargo-web", "rustfmt-web", "rust-web-clippy"),
)


def rust_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables under which cargo is found: rustup's folder comes first."""
    home = environ.get("CARGO_HOME") or Path.home() / ".cargo"
    return {"PATH": os.pathsep.join([str(Path(home) / "bin"), environ.get("PATH", os.defpath)])}


def rust_version() -> tuple[int, ...]:
    """Return the version of the Rust that a build would use, (0,) if there is none."""
    if _find("cargo") is None:
        return (0,)
    found = re.match(r"rustc (\d+)\.(\d+)\.(\d+)", _output("rustc", "--version"))
    return tuple(int(part) for part in found.groups()) if found else (0,)


def ensure_rust() -> None:
    """What a build of the package needs."""
    _ensure_linker()
    if rust_version() < OLDEST:
        _install(_TOO_OLD)
        if rust_version() < OLDEST:
            raise CommandFailed(f"{_find('rustc')} is older than Rust 1.85, and comes first")


def ensure_rust_checks() -> None:
    """What `make check` and the tests need besides."""
    if rust_version() < OLDEST or not _can_check():
        _install(_NO_CHECKS if rust_version() >= OLDEST else _TOO_OLD)


def ensure_libpython() -> None:
    """A test of the compiled core is a program that contains Python: its library is linked."""
    python = CHECKOUT / ".venv" / "bin" / "python"
    if not python.exists():
        return  # then that is what is missing
    name, folder = (_output(str(python), "-c", _CONFIG.format(key)) for key in _LIBRARY)
    if not _links(f"python{name}", folder):
        ensure_apt(f"The compiled core's tests lack a libpython{name}.", [f"libpython{name}-dev"])


def _ensure_linker() -> None:
    if shutil.which("cc") is None:
        ensure_apt("A linker is missing (cc).", ["gcc", "libc6-dev"])


def _links(library: str, folder: str) -> bool:
    command = ["cc", "-shared", f"-L{folder}", f"-l{library}", "-o", os.devnull]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603 - our own


def _can_check() -> bool:
    return all(_output(name, "--version") for name in ("rustfmt", "cargo-clippy"))


def _install(what: str) -> None:
    """Debian's Rust where it is new enough, and no rustup is there to be asked."""
    if _find("rustup"):
        raise Missing(what, "rustup toolchain install stable -c rustfmt -c clippy")
    if may_apt():
        run(["apt-get", "update", "-qq"])
    names = next((names for names in _APT if _candidate(names.rustc) >= OLDEST), None)
    if names is None:
        raise Missing(what, f"curl --proto '=https' -sSf {_RUSTUP} | sh -s -- -y")
    ensure_apt(what, names)


def _candidate(package: str) -> tuple[int, ...]:
    if shutil.which("apt-cache") is None:
        return (0,)
    found = re.search(r"Candidate: (\d+)\.(\d+)", _output("apt-cache", "policy", package))
    return tuple(int(part) for part in found.groups()) if found else (0,)


def _find(name: str) -> str | None:
    return shutil.which(name, path=rust_environment()["PATH"])


def _output(name: str, *arguments: str) -> str:
    """Return what a program says, nothing when it is not there or fails."""
    program = _find(name)
    if program is None:
        return ""
    environ = {**os.environ, **rust_environment(), "LC_ALL": "C"}
    done = subprocess.run(  # noqa: S603 - found on PATH
        [program, *arguments], env=environ, capture_output=True, text=True, check=False
    )
    return done.stdout if done.returncode == 0 else ""
