"""What a linter of Dockerfiles would say, as far as it matters here; no engine is needed."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.local.bootstrap.python_environment import UV_VERSION
from deploy.local.bootstrap.rust import OLDEST
from deploy.local.databases import SERVICES


class Instruction(NamedTuple):
    keyword: str
    rest: str


@pytest.fixture(scope="module")
def instructions(checkout: Path) -> list[Instruction]:
    return list(parse((checkout / "deploy" / "Dockerfile").read_text("utf-8")))


def parse(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in lines.replace("\\\n", " ").splitlines():
        if line.strip():
            keyword, _, rest = line.strip().partition(" ")
            yield Instruction(keyword, " ".join(rest.split()))


def stages(instructions: list[Instruction]) -> dict[str, str]:
    found = {}
    for instruction in instructions:
        if instruction.keyword == "FROM":
            base, _, name = instruction.rest.partition(" AS ")
            found[name] = base
    return found


def last_stage(instructions: list[Instruction], name: str) -> list[Instruction]:
    starts = [i for i, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    begin = next(i for i in starts if instructions[i].rest.endswith(name))
    end = next((i for i in starts if i > begin), len(instructions))
    return instructions[begin:end]


def test_every_service_has_its_image(instructions: list[Instruction]) -> None:
    images = {name for name in stages(instructions) if name.startswith("image-")}
    assert images == {f"image-{service}" for service in (*SERVICES, "deploy")}


def test_only_the_scoring_image_contains_the_console(instructions: list[Instruction]) -> None:
    holders = [
        name
        for name in stages(instructions)
        if name.startswith("image-")
        and any("--from=console" in i.rest for i in last_stage(instructions, name))
    ]
    assert holders == ["image-scoring"]


def test_every_service_is_built_from_its_sources(instructions: list[Instruction]) -> None:
    sources = {name for name in stages(instructions) if name.startswith("sources-")}
    assert sources == {f"sources-{service}" for service in (*SERVICES, "deploy")}
    assert stages(instructions)["build"] == "sources-${SERVICE}"


def test_only_scoring_is_built_with_rust_and_no_image_contains_it(
    instructions: list[Instruction],
) -> None:
    holders = [
        name
        for name in filter(None, stages(instructions))
        if any("--from=rust" in i.rest for i in last_stage(instructions, f" AS {name}"))
    ]
    assert holders == ["sources-scoring"]


def test_the_core_is_compiled_for_the_python_and_the_c_library_that_run_it(
    instructions: list[Instruction],
) -> None:
    own = stages(instructions)
    assert own["sources-scoring"] == "sources"
    assert own["sources"] == own["runtime"] == "python:${PYTHON}"


def test_the_rust_of_the_image_is_new_enough_for_the_crate(
    instructions: list[Instruction], checkout: Path
) -> None:
    crate = tomllib.loads((checkout / "services/scoring/native/Cargo.toml").read_text("utf-8"))
    assert crate["package"]["rust-version"] == ".".join(str(part) for part in OLDEST)
    version = re.match(r"rust:(\d+)\.(\d+)-", stages(instructions)["rust"])
    assert version is not None
    assert tuple(int(part) for part in version.groups()) >= OLDEST


def test_what_is_built_on_this_machine_stays_out_of_the_image(checkout: Path) -> None:
    ignored = (checkout / ".dockerignore").read_text("utf-8").splitlines()
    kept = [line for line in ignored if line.startswith("!")]
    built = ["console/node_modules", "console/dist", "services/scoring/native/target"]
    assert all(ignored.index(path) > ignored.index(kept[-1]) for path in built)


def test_services_do_not_run_as_root(instructions: list[Instruction]) -> None:
    users = [i.rest for i in instructions if i.keyword == "USER"]
    assert users == ["10001"]
    assert any(i.keyword == "USER" for i in last_stage(instructions, " AS runtime"))


def test_base_images_are_pinned(instructions: list[Instruction]) -> None:
    own = stages(instructions)
    for base in own.values():
        if base not in own and not base.endswith("-${SERVICE}"):
            assert re.search(r":(?!latest$)\S+$", base), base


def test_the_lock_file_decides_and_the_service_comes_alone(instructions: list[Instruction]) -> None:
    syncs = [i.rest for i in instructions if i.keyword == "RUN" and "uv sync" in i.rest]
    assert syncs == ['uv sync --frozen --no-dev --no-editable --package "bellwether-${SERVICE}"']


def test_health_is_asked_without_a_tool_that_the_image_lacks(
    instructions: list[Instruction],
) -> None:
    health = [i.rest for i in instructions if i.keyword == "HEALTHCHECK"]
    assert len(health) == 1
    assert "urllib.request.urlopen" in health[0]
    assert "curl" not in health[0]


def test_what_is_copied_exists_and_is_not_ignored(
    instructions: list[Instruction], checkout: Path
) -> None:
    kept = {
        line[1:]
        for line in (checkout / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    }
    copies = [i.rest for i in instructions if i.keyword == "COPY" and "--from" not in i.rest]
    sources = [source for copy in copies for source in copy.split()[:-1]]
    assert sources
    for source in sources:
        assert (checkout / source).exists(), source
        assert source.split("/")[0] in kept, source


def test_the_uv_of_the_image_is_the_uv_of_the_checkout(instructions: list[Instruction]) -> None:
    assert stages(instructions)["uv"].endswith(f":{UV_VERSION}")
