"""The registry of topics: nobody is missing in it, and nobody in it is missing."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.ports import Ports
from deploy.local.process_table import services
from shared.contracts.events import event_models
from shared.contracts.schemas import PRIVATE_RECORDS, RECORD_TYPES
from shared.contracts.topics import INPUTS, TOPICS, Topic, partition_of, topic_for

EVERY_TOPIC = pytest.mark.parametrize("topic", TOPICS.values(), ids=TOPICS.keys())


def _running_roles() -> set[str]:
    """What a whole system runs, as the registry names it: `ingest`, `scoring.measure`, ..."""
    return {
        f"scoring.{service.arguments[0]}" if service.role == "scoring" else service.role
        for service in services(Ports())
    }


@EVERY_TOPIC
def test_producers_and_consumers_are_roles_that_run(topic: Topic) -> None:
    assert topic.producers
    assert set(topic.producers) | set(topic.consumers) <= _running_roles()


@EVERY_TOPIC
def test_a_topic_that_nobody_consumes_is_a_dead_letter_topic(topic: Topic) -> None:
    assert bool(topic.consumers) != topic.name.endswith(".dlq")


@EVERY_TOPIC
def test_dead_letters_go_to_a_registered_twin_that_only_the_consumers_write(topic: Topic) -> None:
    if topic.dead_letters is None:
        assert topic not in INPUTS, "what comes from outside can be wrong"
        return
    twin = TOPICS[topic.dead_letters]
    assert twin.name == f"{topic.name}.dlq"
    assert set(twin.producers) == set(topic.consumers)
    assert twin.dead_letters is None


@EVERY_TOPIC
def test_the_format_is_declared_or_private_to_its_one_owner(topic: Topic) -> None:
    if topic.value in PRIVATE_RECORDS:
        assert topic.producers == topic.consumers
    else:
        assert topic.value in {*RECORD_TYPES, "Event"}


@EVERY_TOPIC
def test_a_compacted_topic_names_its_key(topic: Topic) -> None:
    assert not (topic.compacted and topic.key == "none")


@EVERY_TOPIC
def test_what_is_kept_for_restoring_never_expires(topic: Topic) -> None:
    owner_reads_it_back = bool(set(topic.producers) & set(topic.consumers))
    keeps_everything = topic.config["retention.ms"] == "-1"
    assert keeps_everything or not owner_reads_it_back or topic.name == "breaches"


def test_topics_that_share_keys_share_their_partition_count() -> None:
    assert {topic.partitions for topic in INPUTS} == {None}
    assert {topic.key for topic in INPUTS} == {"ticket id"}


def test_every_event_type_has_its_input_topic() -> None:
    assert {topic_for(event_type) for event_type in event_models()} == set(INPUTS)


@pytest.mark.parametrize("event_type", ["", "ticketopened", "order.opened", "Ticket.opened"])
def test_a_type_of_no_family_has_no_topic(event_type: str) -> None:
    with pytest.raises(KeyError):
        topic_for(event_type)


@given(st.text(), st.integers(1, 100))
def test_the_partition_of_a_group_is_the_checksum_of_its_key(group: str, partitions: int) -> None:
    assert partition_of(group, partitions) == zlib.crc32(group.encode()) % partitions


def test_the_registry_is_read_only_and_in_order_of_the_flow() -> None:
    first_writers = [topic.producers[0] for topic in TOPICS.values()]
    order = ["ingest", "scoring.measure", "scoring.windows"]
    places = [order.index(writer) for writer in first_writers]
    assert all(earlier <= later for earlier, later in pairwise(places))
    with pytest.raises(TypeError):
        TOPICS["new"] = INPUTS[0]  # type: ignore[index]  # the test is that it cannot be done
