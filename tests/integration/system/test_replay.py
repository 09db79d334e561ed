"""A log that is replayed through the whole system ends in the figures of a recomputation."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.stack import LocalStack, StackOptions
from tests.system import settling, totals
from tests.system.logs import Log, contacts, incidents
from tests.system.receiver import Receiver, receiving
from tests.system.replaying import replay

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class Replayed:
    """A system that has worked through both logs, one after the other."""

    stack: LocalStack
    receiver: Receiver
    folder: Path
    incidents: Log
    contacts: Log
    after_incidents: totals.Totals
    after_both: totals.Totals

    @property
    def bootstrap(self) -> str:
        return self.stack.bootstrap_servers

    @property
    def dsn(self) -> str:
        return self.stack.dsn("scoring")


@contextmanager
def whole_system(receiver: Receiver) -> Iterator[LocalStack]:
    environ = {
        **os.environ,
        "BELLWETHER_NOTIFY_WEBHOOK_URL": receiver.url,
        "BELLWETHER_NOTIFY_ALLOW_PRIVATE_TARGETS": "true",
    }
    with LocalStack.temporary(StackOptions(environ=environ)) as stack:
        receiver.secret = lambda: stack.webhook_secret
        yield stack


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replayed]:
    folder = tmp_path_factory.mktemp("replayed")
    first, second = incidents(folder), contacts(folder)
    with receiving() as receiver, whole_system(receiver) as stack:
        after = []
        for log in (first, second):
            replay(stack, log.path, log.mapping, folder / f"once-{log.path.name}")
            after.append(settling.settle(stack.bootstrap_servers, stack.dsn("scoring")))
        yield Replayed(stack, receiver, folder, first, second, *after)


def test_every_count_and_sum_per_department_equals_the_recomputation(replayed: Replayed) -> None:
    assert totals.differences(replayed.after_incidents, replayed.incidents.oracle) == {}


def test_a_second_log_adds_its_own_figures_and_changes_no_other(replayed: Replayed) -> None:
    added = totals.minus(replayed.after_both, replayed.after_incidents)
    assert totals.differences(added, replayed.contacts.oracle) == {}


def test_a_missed_target_reaches_the_webhook_with_a_signature_that_holds(
    replayed: Replayed,
) -> None:
    receiver, target = replayed.receiver, replayed.incidents.missed
    settling.until(f"an alert of {target}", lambda: not _has_come(receiver, target), 60)
    assert all(delivery.is_genuine for delivery in receiver.deliveries)


def _has_come(receiver: Receiver, target: str | None) -> bool:
    alerts = [d.body["data"]["alert"] for d in receiver.deliveries]
    return any(a["target"] == target and a["scope"].startswith("department:") for a in alerts)


def test_the_same_log_once_more_changes_nothing(replayed: Replayed) -> None:
    for log in (replayed.incidents, replayed.contacts):
        replay(
            replayed.stack,
            log.path,
            log.mapping,
            replayed.folder / f"again-{log.path.name}",
        )
    again = settling.settle(replayed.bootstrap, replayed.dsn)
    assert again == replayed.after_both


def test_a_shuffled_log_ends_in_the_same_figures(tmp_path: Path) -> None:
    log = incidents(tmp_path)
    everything_measured = StackOptions(only=frozenset({"ingest", "measure", "recorder"}))
    with LocalStack.temporary(everything_measured) as stack:
        replay(stack, log.path, log.mapping, tmp_path / "shuffled", "--shuffle-within", "2h")
        found = settling.settle(stack.bootstrap_servers, stack.dsn("scoring"))
    assert totals.differences(found, log.oracle) == {}
