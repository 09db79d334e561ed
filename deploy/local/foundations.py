"""Kafka and Postgres as supervised processes."""

import signal
from collections.abc import Mapping

from deploy.local.kafka import MALLOC, Broker, KafkaCluster
from deploy.local.postgres import PostgresServer
from deploy.local.probes import KafkaReady, PostgresReady
from deploy.local.process import ProcessSpec

KAFKA = "kafka"
POSTGRES = "postgres"


def kafka_specs(cluster: KafkaCluster, environ: Mapping[str, str]) -> tuple[ProcessSpec, ...]:
    """Return one process per broker: `kafka`, or `kafka-1`, `kafka-2`, ..."""
    return tuple(
        ProcessSpec(
            name=_name(broker, cluster),
            argv=tuple(cluster.command(broker)),
            probe=KafkaReady(f"127.0.0.1:{broker.port}", len(cluster.brokers)),
            env={**MALLOC, **environ},
            cwd=broker.directory,
            foundation=True,
        )
        for broker in cluster.brokers
    )


def postgres_spec(server: PostgresServer, environ: Mapping[str, str]) -> ProcessSpec:
    return ProcessSpec(
        name=POSTGRES,
        argv=tuple(server.command()),
        probe=PostgresReady(server.dsn()),
        env={**environ, "LC_ALL": "C.UTF-8"},
        # SIGTERM would wait for clients to leave; SIGINT ends their sessions and shuts down.
        stop_signal=signal.SIGINT,
        run_as=server.run_as,
        foundation=True,
    )


def _name(broker: Broker, cluster: KafkaCluster) -> str:
    return KAFKA if len(cluster.brokers) == 1 else f"{KAFKA}-{broker.node_id}"
