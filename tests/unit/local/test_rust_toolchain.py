"""Rust is found where it is, and where it is not the message names the command that brings it."""

import os
from pathlib import Path

import pytest

from deploy.local.bootstrap.machine import Missing
from deploy.local.bootstrap.rust import (
    ensure_rust,
    ensure_rust_checks,
    rust_environment,
    rust_version,
)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a linker, and programs that a test puts into the folder returned."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    says(folder / "cc", "")
    return folder


def says(program: Path, text: str) -> None:
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    program.chmod(0o755)


def put_rust(folder: Path, version: str) -> None:
    says(folder / "cargo", "")
    says(folder / "rustc", f"echo 'rustc {version} (4a4ef493e 2025-02-17)'")


def put_apt_cache(folder: Path, candidates: dict[str, str]) -> None:
    cases = "".join(f"{name}) echo '  Candidate: {v}';;" for name, v in candidates.items())
    says(folder / "apt-cache", f"case $2 in {cases} *) ;; esac")


def test_a_rust_of_the_machine_will_do(bare: Path) -> None:
    put_rust(bare, "1.85.0")
    ensure_rust()
    assert rust_version() == (1, 85, 0)


def test_rustups_folder_is_searched_first_whether_on_the_path_or_not(
    bare: Path, tmp_path: Path
) -> None:
    put_rust(bare, "1.63.0")
    (tmp_path / "cargo").mkdir()
    put_rust(tmp_path / "cargo" / "bin", "1.95.0")
    assert rust_version() == (1, 95, 0)
    assert rust_environment()["PATH"].split(os.pathsep)[0] == str(tmp_path / "cargo" / "bin")


def test_a_debian_with_an_old_rust_has_the_newer_one_beside_it(bare: Path) -> None:
    put_rust(bare, "1.63.0")
    put_apt_cache(bare, {"rustc": "1.63.0+dfsg1-2", "rustc-web": "1.85.0+dfsg3-1~deb12u3"})
    with pytest.raises(Missing, match=r"1\.85 .*apt-get install -y rustc-web cargo-web"):
        ensure_rust()


def test_a_debian_with_a_new_rust_is_asked_for_that(bare: Path) -> None:
    put_apt_cache(bare, {"rustc": "1.85.0+dfsg3-1"})
    with pytest.raises(Missing, match="apt-get install -y rustc cargo rustfmt rust-clippy"):
        ensure_rust()


@pytest.mark.parametrize("apt", [{}, {"rustc": "1.75.0+dfsg0ubuntu1"}], ids=["none", "old"])
def test_where_apt_has_no_rust_that_will_do_rustup_is_named(
    bare: Path, apt: dict[str, str]
) -> None:
    put_apt_cache(bare, apt)
    with pytest.raises(Missing, match=r"Install it:  curl .*https://sh\.rustup\.rs"):
        ensure_rust()


def test_a_rustup_with_an_old_rust_is_asked_for_a_new_one(bare: Path) -> None:
    put_rust(bare, "1.80.1")
    says(bare / "rustup", "")
    with pytest.raises(Missing, match="rustup toolchain install stable"):
        ensure_rust()


def test_a_rust_without_its_linter_is_named_by_the_checks_alone(bare: Path) -> None:
    put_rust(bare, "1.95.0")
    put_apt_cache(bare, {"rustc": "1.95.0"})
    says(bare / "rustfmt", "echo rustfmt 1.8.0")
    ensure_rust()
    with pytest.raises(Missing, match=r"rustfmt or clippy is missing.*rust-clippy"):
        ensure_rust_checks()


def test_a_missing_linker_is_named(bare: Path) -> None:
    put_rust(bare, "1.95.0")
    (bare / "cc").unlink()
    with pytest.raises(Missing, match="apt-get install -y gcc libc6-dev"):
        ensure_rust()
