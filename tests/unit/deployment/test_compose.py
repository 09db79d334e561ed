"""docker-compose.yml runs what the local runtime runs: same services, commands and ports.

No container engine is needed: the file is read as Compose reads it, after YAML merging.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local.databases import SERVICES, role_of
from deploy.local.ports import Ports
from deploy.local.process_table import Service, services

LOCAL = services(Ports())
Compose = dict[str, Any]


@pytest.fixture(scope="module")
def compose(checkout: Path) -> Compose:
    loaded: Compose = yaml.safe_load((checkout / "docker-compose.yml").read_text("utf-8"))
    return loaded


@pytest.mark.parametrize("service", LOCAL, ids=lambda service: service.name)
def test_a_service_runs_the_same_command_in_a_container(service: Service, compose: Compose) -> None:
    command = compose["services"][service.name]["command"]
    assert tuple(command) == (service.module, *service.arguments)


@pytest.mark.parametrize("service", LOCAL, ids=lambda service: service.name)
def test_a_service_listens_on_the_same_port_and_is_asked_there(
    service: Service, compose: Compose
) -> None:
    environment = compose["services"][service.name]["environment"]
    assert environment[f"BELLWETHER_{service.port_env}"] == str(service.port)
    assert environment["BELLWETHER_HEALTH_URL"] == service.ready_url


@pytest.mark.parametrize("service", LOCAL, ids=lambda service: service.name)
def test_a_service_logs_in_with_its_own_role(service: Service, compose: Compose) -> None:
    dsn = compose["services"][service.name]["environment"]["BELLWETHER_POSTGRES_DSN"]
    assert dsn.startswith(f"postgresql://{role_of(service.role)}:")


@pytest.mark.parametrize("service", LOCAL, ids=lambda service: service.name)
def test_a_service_waits_for_kafka_and_postgres_to_be_healthy(
    service: Service, compose: Compose
) -> None:
    needs = compose["services"][service.name]["depends_on"]
    assert needs == {
        "kafka": {"condition": "service_healthy"},
        "postgres": {"condition": "service_healthy"},
    }


@pytest.mark.parametrize("service", LOCAL, ids=lambda service: service.name)
def test_a_service_is_built_from_the_one_dockerfile(service: Service, compose: Compose) -> None:
    build = compose["services"][service.name]["build"]
    assert build["dockerfile"] == "deploy/Dockerfile"
    assert build["args"]["SERVICE"] == service.module.split(".")[1]


def test_nothing_is_published_beyond_this_machine(compose: Compose) -> None:
    published = [port for s in compose["services"].values() for port in s.get("ports", [])]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_a_service_waits_only_for_services_that_exist(compose: Compose) -> None:
    known = set(compose["services"])
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= known, name


def test_every_volume_is_declared(compose: Compose) -> None:
    mounted = [v for s in compose["services"].values() for v in s.get("volumes", [])]
    named = {volume.split(":")[0] for volume in mounted if not volume.startswith(("./", "/"))}
    assert named == set(compose["volumes"])


def test_images_are_pinned_to_a_version(compose: Compose) -> None:
    foreign = [s["image"] for s in compose["services"].values() if "build" not in s]
    foreign = [image for image in foreign if not image.startswith("bellwether-")]
    assert sorted(foreign) == ["apache/kafka:4.3.0", "postgres:18"]


def test_the_database_script_makes_a_role_for_every_service(checkout: Path) -> None:
    script = (checkout / "deploy" / "compose" / "init-databases.sh").read_text("utf-8")
    assert f"for service in {' '.join(SERVICES)}; do" in script
