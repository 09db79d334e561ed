"""Every variable that a deployment sets is read by some service: a misspelt one would be silent."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.databases import SERVICES
from deploy.local.ports import Ports
from deploy.local.process_table import Wiring, service_spec, services
from services.feedback.settings import FeedbackSettings
from services.ingest.settings import IngestSettings
from services.notify.settings import NotifySettings
from services.scoring.settings import ScoringSettings
from shared.runtime.settings import RuntimeSettings

SETTINGS: dict[str, type[RuntimeSettings]] = {
    "ingest": IngestSettings,
    "scoring": ScoringSettings,
    "feedback": FeedbackSettings,
    "notify": NotifySettings,
}
OF_THE_DEPLOYMENT = {"BELLWETHER_HEALTH_URL", "BELLWETHER_SERVICE", "BELLWETHER_SERVICE_PASSWORD"}


def variables(settings: type[RuntimeSettings]) -> set[str]:
    return {f"BELLWETHER_{name.upper()}" for name in settings.model_fields}


ALL = set().union(*(variables(settings) for settings in SETTINGS.values()))


@pytest.fixture
def wiring() -> Wiring:
    return Wiring(
        environ={},
        bootstrap_servers="127.0.0.1:19092",
        replication=1,
        dsns=dict.fromkeys(SERVICES, "postgresql://role:pw@127.0.0.1/bellwether"),
        ports=Ports(),
        api_key_file=Path("key"),
        webhook_secret="whsec_" + "A" * 44,
        foundations=(),
    )


@pytest.mark.parametrize("service", services(Ports()), ids=lambda service: service.name)
def test_a_service_reads_the_variables_that_are_its_own(
    service: Any, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {
        name: value
        for name, value in service_spec(service, wiring).env.items()
        if name.startswith("BELLWETHER_")
    }
    assert set(environment) <= ALL
    assert f"BELLWETHER_{service.port_env}" in variables(SETTINGS[service.role])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = SETTINGS[service.role]()
    assert getattr(settings, service.port_env.lower()) == service.port


def test_compose_sets_only_variables_that_somebody_reads(checkout: Path) -> None:
    compose = yaml.safe_load((checkout / "docker-compose.yml").read_text("utf-8"))
    found = {
        name
        for service in compose["services"].values()
        for name in service.get("environment", {})
        if name.startswith("BELLWETHER_")
    }
    assert found
    assert found <= ALL | OF_THE_DEPLOYMENT


def test_the_images_set_only_variables_that_somebody_reads(checkout: Path) -> None:
    text = (checkout / "deploy" / "Dockerfile").read_text("utf-8")
    found = set(re.findall(r"\b(BELLWETHER_[A-Z_]+)=", text))
    assert "BELLWETHER_CONSOLE_DIR" in found
    assert found <= ALL | OF_THE_DEPLOYMENT
