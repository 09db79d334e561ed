"""Every service on its own Kafka and Postgres, as `bellwether up` runs them."""

import httpx
import psutil
import pytest

from deploy.local.run_state import read_state
from deploy.local.stack import LocalStack
from shared.contracts.examples import EVENTS

pytestmark = pytest.mark.integration

SERVICES = ("ingest", "measure", "windows", "recorder", "api", "notify", "feedback")


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_says_that_it_lives_is_ready_and_what_it_measures(
    stack: LocalStack, service: str
) -> None:
    assert httpx.get(stack.url(service) + "/livez", timeout=10).status_code == 200
    assert httpx.get(stack.url(service) + "/readyz", timeout=10).status_code == 200
    metrics = httpx.get(stack.url(service) + "/metrics", timeout=10)
    assert metrics.status_code == 200
    assert "# HELP" in metrics.text


@pytest.mark.parametrize("service", ["ingest", "api", "notify", "feedback"])
def test_a_path_that_does_not_exist_is_answered_with_a_problem(
    stack: LocalStack, service: str
) -> None:
    answer = httpx.get(stack.url(service) + "/v1/no-such-thing", timeout=10)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/problem+json")


@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_service_is_ready_again_under_another_number(
    stack: LocalStack, service: str
) -> None:
    before = stack.supervisor.pid(service)
    stack.kill(service)
    stack.wait_ready([service], timeout=120)
    assert stack.supervisor.pid(service) != before
    assert not psutil.pid_exists(before)


def test_other_programs_find_the_processes_in_the_state_file(stack: LocalStack) -> None:
    state = read_state(stack.data.state_file)
    assert state is not None
    names = {record.name for record in state.processes}
    assert names == {"kafka", "postgres", "dev-key", *SERVICES}
    assert state.connections["kafka"] == stack.bootstrap_servers


def test_the_key_of_the_local_system_is_accepted_for_any_source(stack: LocalStack) -> None:
    event = {**EVENTS[0], "source": "a-source-of-this-test"}
    answer = httpx.post(
        stack.url("ingest") + "/v1/events",
        json=event,
        headers={"Authorization": f"Bearer {stack.api_key}"},
        timeout=20,
    )
    assert answer.status_code == 202, answer.text
