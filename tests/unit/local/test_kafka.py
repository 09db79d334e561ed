from dataclasses import replace
from pathlib import Path

import pytest

from deploy.local.foundations import kafka_specs
from deploy.local.kafka import (
    MALLOC,
    KafkaCluster,
    KafkaJarsMissingError,
    cluster_id,
    default_ports,
    render_properties,
)


def cluster(tmp_path: Path, brokers: int) -> KafkaCluster:
    return KafkaCluster(Path("java"), tmp_path / "jars", tmp_path, default_ports(19092, brokers))


def properties(cluster: KafkaCluster, node: int) -> dict[str, str]:
    text = render_properties(cluster.brokers[node - 1], cluster.brokers)
    return dict(line.split("=", 1) for line in text.splitlines())


def test_every_listener_is_on_loopback(tmp_path: Path) -> None:
    listeners = properties(cluster(tmp_path, 3), 2)["listeners"]
    assert listeners == "CLIENT://127.0.0.1:19093,CONTROLLER://127.0.0.1:19103"


def test_one_node_replicates_its_internal_topics_once(tmp_path: Path) -> None:
    single = properties(cluster(tmp_path, 1), 1)
    assert single["offsets.topic.replication.factor"] == "1"
    assert single["transaction.state.log.replication.factor"] == "1"
    assert single["min.insync.replicas"] == "1"


def test_three_nodes_replicate_three_times_and_wait_for_two(tmp_path: Path) -> None:
    three = properties(cluster(tmp_path, 3), 1)
    assert three["transaction.state.log.replication.factor"] == "3"
    assert three["transaction.state.log.min.isr"] == "2"
    assert three["min.insync.replicas"] == "2"
    assert three["controller.quorum.voters"] == (
        "1@127.0.0.1:19102,2@127.0.0.1:19103,3@127.0.0.1:19104"
    )


def test_a_misspelt_topic_is_not_created_by_reading_it(tmp_path: Path) -> None:
    assert properties(cluster(tmp_path, 1), 1)["auto.create.topics.enable"] == "false"


def test_clients_are_told_all_brokers(tmp_path: Path) -> None:
    servers = cluster(tmp_path, 3).bootstrap_servers
    assert servers == "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094"


def test_a_cluster_id_is_22_characters_and_stays_with_its_folder(tmp_path: Path) -> None:
    assert cluster_id(tmp_path) == cluster_id(tmp_path)
    assert len(cluster_id(tmp_path)) == 22


def test_no_folder_has_a_cluster_id_that_reads_as_an_option(tmp_path: Path) -> None:
    assert not any(cluster_id(tmp_path / str(n)).startswith("-") for n in range(500))
    assert cluster_id(tmp_path) != cluster_id(tmp_path / "other")


def test_missing_jars_are_named_with_the_command_that_brings_them(tmp_path: Path) -> None:
    with pytest.raises(KafkaJarsMissingError, match="make tools"):
        cluster(tmp_path, 1).prepare()


def test_a_broker_that_stays_takes_its_heap_at_once_and_one_of_a_test_as_it_fills(
    tmp_path: Path,
) -> None:
    stays = cluster(tmp_path, 1)
    leaves = replace(stays, short_lived=True)
    assert "-XX:+AlwaysPreTouch" in stays.command(stays.brokers[0])
    assert "-XX:+AlwaysPreTouch" not in leaves.command(leaves.brokers[0])


def test_every_broker_gives_native_memory_back_unless_the_user_chose_otherwise(
    tmp_path: Path,
) -> None:
    chosen = {"PATH": "/bin", "MALLOC_ARENA_MAX": "4"}
    specs = kafka_specs(cluster(tmp_path, 3), chosen)
    assert [dict(spec.env) for spec in specs] == [{**MALLOC, **chosen}] * 3
