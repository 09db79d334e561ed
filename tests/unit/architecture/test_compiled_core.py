"""The compiled core keeps the rules of the core that it is part of, and says truly what it has."""

import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import bellwether_native
import pytest

from deploy.local.bootstrap.rust import rust_environment

# As the crates state them; each was read, and may be part of a work under Apache-2.0
LICENCES = {
    "(MIT OR Apache-2.0) AND Unicode-3.0",
    "Apache-2.0",
    "Apache-2.0 OR MIT",
    "Apache-2.0 WITH LLVM-exception",
    "BSL-1.0",
    "MIT",
    "MIT OR Apache-2.0",
    "Unlicense OR MIT",
}
IMPURE = {
    "std::time::Instant": "pub fn now() -> std::time::Instant { std::time::Instant::now() }",
    "std::time::SystemTime": "pub fn date() -> std::time::SystemTime { std::time::UNIX_EPOCH }",
    "std::fs::read": 'pub fn file() -> Vec<u8> { std::fs::read("rules").unwrap_or_default() }',
    "std::env::var": 'pub fn setting() -> String { std::env::var("X").unwrap_or_default() }',
    "println!": 'pub fn shown() { println!("shown") }',
    "unsafe": "pub fn first(x: &[u8]) -> u8 { unsafe { *x.get_unchecked(0) } }",
}


@pytest.fixture(scope="module")
def crate(checkout: Path) -> Path:
    return checkout / "services" / "scoring" / "native"


def cargo(*arguments: str | Path, crate: Path) -> subprocess.CompletedProcess[str]:
    """Run cargo in the crate's folder: its settings and what it has built are used."""
    environ = {**os.environ, **rust_environment(), "CARGO_TARGET_DIR": str(crate / "target")}
    command = ["/usr/bin/env", "cargo", *map(str, arguments)]
    return subprocess.run(
        command, cwd=crate, env=environ, capture_output=True, text=True, check=False
    )


def python(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_clock_a_file_a_setting_or_unsafe_code_in_the_compiled_core_is_refused(
    crate: Path,
) -> None:
    copy = crate / "target" / "impure"  # one place: cargo keeps what it builds by the path
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(crate, copy, ignore=shutil.ignore_patterns("target", "*.pyi"))
    with (copy / "src" / "lib.rs").open("a", encoding="utf-8") as library:
        library.writelines(f"{code}\n" for code in IMPURE.values())
    done = cargo("clippy", "--locked", "--manifest-path", copy / "Cargo.toml", crate=crate)
    assert done.returncode != 0
    assert [what for what in IMPURE if f"`{what}`" not in done.stderr] == [], done.stderr


def test_every_crate_has_a_licence_that_was_read(crate: Path) -> None:
    done = cargo("metadata", "--locked", "--format-version=1", crate=crate)
    assert done.returncode == 0, done.stderr
    packages = json.loads(done.stdout)["packages"]
    assert len(packages) > 1
    unread = {p["name"]: p["license"] for p in packages if p["license"] not in LICENCES}
    assert unread == {}


def test_whatever_changes_the_module_has_it_built_again(crate: Path) -> None:
    project = tomllib.loads((crate / "pyproject.toml").read_text("utf-8"))
    keys = [key["file"] for key in project["tool"]["uv"]["cache-keys"]]
    watched = {file for key in keys for file in crate.glob(key)}
    only_checks = {crate / "clippy.toml", crate / ".cargo" / "config.toml"}
    files = {file for file in crate.rglob("*") if file.is_file()}
    built = {file for file in files if file.is_relative_to(crate / "target")}
    assert files - built - only_checks == watched


def test_the_stub_says_what_the_module_has(tmp_path: Path) -> None:
    packaging = tmp_path / "made-by-the-build"
    packaging.write_text("bellwether_native.__all__\nbellwether_native.bellwether_native\n")
    done = python(
        *("-m", "mypy.stubtest", "bellwether_native", "--allowlist", packaging), folder=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_sees_a_wrong_use_of_the_module(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(
        "import bellwether_native\n"
        "bellwether_native.nothing()\n"
        "number: int = bellwether_native.__version__\n"
    )
    done = python("-m", "mypy", "--strict", "--config-file=", "wrong.py", folder=tmp_path)
    assert "wrong.py:2: error: Module has no attribute" in done.stdout
    assert "wrong.py:3: error: Incompatible types in assignment" in done.stdout


def test_the_module_is_of_the_version_that_is_installed() -> None:
    assert bellwether_native.__version__ == importlib.metadata.version("bellwether-native")
