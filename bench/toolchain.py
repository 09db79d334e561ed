"""What the benchmark needs beyond the product: peers from their lock files and from Maven.

Everything lies under `.tools/bench`, and is made again when the file that describes it changes.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from deploy.local.bootstrap.machine import (
    CHECKOUT,
    Missing,
    Stamp,
    ensure_apt,
    fingerprint,
    run,
    say,
)
from deploy.local.bootstrap.machine import TOOLS as _ALL_TOOLS
from deploy.local.bootstrap.python_environment import ensure_uv
from deploy.local.bootstrap.rust import rust_environment

TOOLS: Final = _ALL_TOOLS / "bench"
VENV_PYTHON: Final = TOOLS / "venv" / "bin" / "python"
QUIX_PYTHON: Final = TOOLS / "quix" / "bin" / "python"
JAVA_PEERS: Final = ("kafka_streams", "flink")

__all__ = ["CHECKOUT", "Missing", "prepare"]


def prepare() -> None:
    """Install and build what is missing. Raises `Missing` or CommandFailed."""
    _python()
    for peer in JAVA_PEERS:
        _java(peer)


def _python() -> None:
    uv = ensure_uv()
    everything = ("--all-packages", "--all-extras", "--no-dev", "--group", "bench")
    say("the Python peers, from their lock files")
    run(
        [uv, "sync", "--quiet", "--frozen", *everything],
        environ={**rust_environment(), "UV_PROJECT_ENVIRONMENT": str(TOOLS / "venv")},
    )
    run(
        [uv, "sync", "--quiet", "--frozen", "--project", CHECKOUT / "bench" / "peers" / "quix"],
        environ={"UV_PROJECT_ENVIRONMENT": str(TOOLS / "quix")},
    )


def _java(peer: str) -> None:
    source = CHECKOUT / "bench" / "peers" / peer
    code = sorted(source.rglob("*.java"))
    stamp, wanted = Stamp(f"bench-{peer}"), fingerprint([source / "pom.xml", *code])
    if stamp.matches(wanted) and (TOOLS / peer / "classes").exists():
        return
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        ensure_apt("Maven or the Java compiler is missing.", ["maven", "openjdk-17-jdk-headless"])
    say(f"building the peer {peer}")
    folder = TOOLS / peer
    shutil.rmtree(folder, ignore_errors=True)
    _resolve(source / "pom.xml", folder / "lib")
    classes = folder / "classes"
    run(["javac", "-nowarn", "-d", classes, "-cp", f"{folder / 'lib'}/*", *code])
    stamp.write(wanted)


def _resolve(pom: Path, folder: Path) -> None:
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}")
    run(["mvn", "-q", "-B", "--color=never", "-f", pom, *goal])
