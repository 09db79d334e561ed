"""What the documents say is so."""

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from deploy.local.ports import Ports, variable_of
from shared.contracts.decode import decode_event
from shared.runtime.settings import RuntimeSettings

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "shared/README.md"])
SETTINGS = ("ingest", "scoring", "notify", "feedback")
METRICS = (
    "services.ingest.metrics",
    "services.scoring.metrics",
    "services.scoring.measure.metrics",
    "services.scoring.recorder.metrics",
    "services.notify.metrics",
    "services.feedback.metrics",
    "shared.runtime.http.metrics",
)

_ROW = re.compile(r"^\| `(BELLWETHER_[A-Z_]+)` \| (.*?) \|", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
_METRIC = re.compile(r"`(bellwether_[a-z_]+)`")


def _settings() -> Iterator[tuple[str, Any]]:
    """Every variable that a service reads, with its default."""
    for service in SETTINGS:
        module = importlib.import_module(f"services.{service}.settings")
        for found in vars(module).values():
            if isinstance(found, type) and issubclass(found, RuntimeSettings):
                for name, info in found.model_fields.items():
                    yield f"BELLWETHER_{name.upper()}", info.default


def _shown(default: Any) -> str | None:
    """How the table shows a default; None where it says it in words."""
    if isinstance(default, SecretStr):
        return f"`{default.get_secret_value()}`"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if default is None or default is PydanticUndefined or isinstance(default, Path):
        return None
    return f"`{default}`"


def test_the_configuration_table_has_every_variable_of_every_service() -> None:
    of_the_command = {variable_of(port.name) for port in fields(Ports)}
    of_the_command |= {f"BELLWETHER_{n}" for n in ("DATA_DIR", "INGEST_URL", "API_KEY_FILE")}
    assert set(dict(_ROW.findall(README))) == set(dict(_settings())) | of_the_command


@pytest.mark.parametrize(("name", "default"), sorted(dict(_settings()).items(), key=str))
def test_the_configuration_table_gives_the_default_in_force(name: str, default: Any) -> None:
    documented = dict(_ROW.findall(README))[name]
    assert documented == (_shown(default) or documented)


@pytest.mark.parametrize("port", [port.name for port in fields(Ports)])
def test_the_configuration_table_gives_the_ports_of_a_local_system(port: str) -> None:
    assert dict(_ROW.findall(README))[variable_of(port)] == f"`{getattr(Ports(), port)}`"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_to_something_that_is_there(document: Path) -> None:
    links = _LINK.findall(_text(document))
    assert [link for link in links if not (document.parent / link).exists()] == []


def _text(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def test_the_first_event_of_the_quick_start_is_one() -> None:
    written = re.search(r"-d '(\{.*?\n  \})'", README, re.DOTALL)
    assert written is not None
    now_by_the_shell = re.compile(r"'\"\$\(date .*?\)\"'")
    event = json.loads(now_by_the_shell.sub("2026-01-02T03:04:05Z", written[1]))
    assert decode_event(json.dumps(event).encode()).subject == "MY-1"


def test_the_metrics_to_watch_exist() -> None:
    for module in METRICS:
        importlib.import_module(module)
    known = {
        name + suffix
        for metric in REGISTRY.collect()
        for name in (metric.name,)
        for suffix in ("", "_total")
    }
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    watched = set(_METRIC.findall(operations))
    assert watched
    assert watched - known == set()


def test_every_make_target_that_a_document_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = {
        target
        for document in DOCUMENTS
        for target in re.findall(
            r"(?:^|`)make ([a-z]+)", document.read_text(encoding="utf-8"), re.M
        )
    }
    assert named <= targets
