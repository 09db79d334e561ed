"""The import rules hold, and are able to fail: a wrong import in a copy of the sources is named."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = ("shared", "services", "deploy")
PURE = "Pure cores see contracts and arithmetic"
COMPILED = "The compiled part of scoring's core"


@pytest.fixture(scope="module")
def copied_sources(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Iterator[Path]:
    copy = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        for source in (checkout / name).rglob("*.py"):
            place = copy / source.relative_to(checkout)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)
    shutil.copytree(checkout / "tests" / "architecture", copy / "tests" / "architecture")
    shutil.copy(checkout / "pyproject.toml", copy)
    yield copy
    shutil.rmtree(copy)


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_sources_keep_every_import_rule(copied_sources: Path) -> None:
    done = lint_imports(copied_sources)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_scorings_core_may_import_what_is_compiled_of_it(copied_sources: Path) -> None:
    caller = copied_sources / "services" / "scoring" / "core" / "caller.py"
    caller.write_text("import bellwether_native\n", encoding="utf-8")
    try:
        done = lint_imports(copied_sources)
    finally:
        caller.unlink()
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "wrong_import", "broken_rule"),
    [
        ("services/ingest/wrong.py", "import services.scoring", "Services do not know each other"),
        ("shared/wrong.py", "import services.ingest", "What is shared knows no service"),
        ("shared/wrong.py", "import tests.architecture", "Nothing imports tests"),
        ("services/notify/wrong.py", "import deploy.local", "Services do not know how"),
        ("deploy/wrong.py", "import services.ingest", "The command line and the local runtime"),
        ("shared/contracts/wrong.py", "import numpy", "Contracts are the standard library"),
        ("shared/contracts/wrong.py", "import shared.runtime", "Contracts are the standard"),
        ("services/scoring/core/wrong.py", "import aiokafka", PURE),
        ("services/scoring/core/wrong.py", "from os import environ", PURE),
        ("services/ingest/core/wrong.py", "import services.ingest.settings", PURE),
        ("services/ingest/wrong.py", "import services.ingest.main", "A composition root"),
        ("services/scoring/measure/wrong.py", "import bellwether_native", COMPILED),
        ("services/ingest/core/wrong.py", "from bellwether_native import __version__", COMPILED),
    ],
)
def test_a_wrong_import_breaks_its_rule_and_is_named(
    copied_sources: Path, module: str, wrong_import: str, broken_rule: str
) -> None:
    wrong = copied_sources / module
    wrong.write_text(wrong_import + "\n", encoding="utf-8")
    try:
        done = lint_imports(copied_sources)
    finally:
        wrong.unlink()
    assert done.returncode == 1
    broken = [line for line in done.stdout.splitlines() if " BROKEN" in line]
    assert any(line.startswith(broken_rule) for line in broken)
    assert module.removesuffix(".py").replace("/", ".") in done.stdout
