"""How a local Kafka is laid out and started: KRaft, loopback, few and small internal topics."""

import base64
import hashlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

JAR_VERSION = "4.3.0"

_JVM = (
    # 40 MiB for what is young, and 72 for the 35 to 53 that are always in use and the garbage that
    # gathers there until a full collection. Only a load that needs more makes the heap grow.
    "-Xms112m",
    "-Xmx256m",
    "-Xmn40m",
    "-XX:MinHeapFreeRatio=25",
    "-Xss512k",
    "-XX:+UseSerialGC",
    "-XX:ReservedCodeCacheSize=64m",
    "-XX:MaxDirectMemorySize=64m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
)
# The optimising compiler repays its work only to a broker that lives for minutes.
_QUICK_START = "-XX:TieredStopAtLevel=1"
# Within minutes the heap is full anyway. Taken at the start, it does not look like a leak.
_HEAP_AT_ONCE = "-XX:+AlwaysPreTouch"

MALLOC = {
    # The JVM's compilers take up to 32 MiB for a moment. In an arena for each thread, what is given
    # up stays resident;
    "MALLOC_ARENA_MAX": "1",
    # mapped singly, their pieces of 32 KiB go back to the system.
    "MALLOC_MMAP_THRESHOLD_": "32000",
}
"""glibc's settings for a broker; others know no such variables."""


class KafkaJarsMissingError(RuntimeError):
    """The broker's jars were not resolved into `.tools/kafka`."""


@dataclass(frozen=True)
class Broker:
    """One node: broker and controller at once."""

    node_id: int
    port: int
    controller_port: int
    directory: Path

    @property
    def properties_file(self) -> Path:
        return self.directory / "server.properties"

    @property
    def data(self) -> Path:
        return self.directory / "data"


@dataclass(frozen=True)
class KafkaCluster:
    """A KRaft cluster of one or three nodes on loopback.

    `ports` are the listeners of all nodes, then their controllers (`default_ports` makes them). A
    `short_lived` cluster starts with half the CPU, takes its heap only as it fills, and is slower
    once it is warm: for tests.
    """

    java: Path
    jars: Path
    directory: Path
    ports: tuple[int, ...]
    short_lived: bool = False

    @property
    def brokers(self) -> tuple[Broker, ...]:
        count = len(self.ports) // 2
        return tuple(
            Broker(n + 1, self.ports[n], self.ports[count + n], self.directory / f"node-{n + 1}")
            for n in range(count)
        )

    @property
    def bootstrap_servers(self) -> str:
        return ",".join(f"127.0.0.1:{broker.port}" for broker in self.brokers)

    def prepare(self) -> None:
        """Write every node's properties, and format the data of nodes that have none."""
        if not any(self.jars.glob("kafka_*.jar")):
            raise KafkaJarsMissingError(
                f"No Kafka jars in {self.jars}. Run `make tools`, which resolves them with Maven."
            )
        for broker in self.brokers:
            broker.directory.mkdir(parents=True, exist_ok=True)
            text = render_properties(broker, self.brokers)
            broker.properties_file.write_text(text, encoding="utf-8")
            if not (broker.data / "meta.properties").exists():
                self._format(broker)

    def command(self, broker: Broker) -> list[str]:
        options = (*_JVM, _QUICK_START if self.short_lived else _HEAP_AT_ONCE)
        return [*self._java(options, broker), "kafka.Kafka", str(broker.properties_file)]

    def _format(self, broker: Broker) -> None:
        command = [
            *self._java(("-Xmx96m", "-XX:+UseSerialGC", _QUICK_START), broker),
            *("kafka.tools.StorageTool", "format"),
            *("--cluster-id", cluster_id(self.directory)),
            *("--config", str(broker.properties_file)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603 - our own command
        if done.returncode != 0:
            raise RuntimeError(f"Kafka could not format {broker.data}:\n{done.stdout}{done.stderr}")

    def _java(self, options: tuple[str, ...], broker: Broker) -> list[str]:
        log4j = Path(__file__).with_name("log4j2.yaml")
        return [
            str(self.java),
            *options,
            f"-Dlog4j2.configurationFile={log4j}",
            f"-Dkafka.logs.dir={broker.directory}",
            "-cp",
            f"{self.jars}/*",
        ]


def default_ports(first: int, brokers: int) -> tuple[int, ...]:
    """Return a cluster's ports: listeners from `first`, controllers from `first + 10`."""
    return (*range(first, first + brokers), *range(first + 10, first + 10 + brokers))


def cluster_id(directory: Path) -> str:
    """Return a cluster id (22 characters of base64) that is always the same for a directory."""
    digest = bytearray(hashlib.sha256(str(directory.resolve()).encode()).digest()[:16])
    digest[0] &= 0x7F  # a leading "-" would read as an option
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def render_properties(broker: Broker, brokers: tuple[Broker, ...]) -> str:
    """Return the server.properties of one node."""
    return "".join(f"{key}={value}\n" for key, value in _properties(broker, brokers))


def _properties(broker: Broker, brokers: tuple[Broker, ...]) -> Iterator[tuple[str, str]]:
    yield from _network(broker, brokers)
    yield from _replication(len(brokers))
    yield from _SMALL_AND_QUICK
    yield "log.dirs", str(broker.data)


def _network(broker: Broker, brokers: tuple[Broker, ...]) -> Iterator[tuple[str, str]]:
    voters = ",".join(f"{node.node_id}@127.0.0.1:{node.controller_port}" for node in brokers)
    client = f"CLIENT://127.0.0.1:{broker.port}"
    yield "process.roles", "broker,controller"
    yield "node.id", str(broker.node_id)
    yield "controller.quorum.voters", voters
    yield "controller.listener.names", "CONTROLLER"
    yield "listeners", f"{client},CONTROLLER://127.0.0.1:{broker.controller_port}"
    yield "advertised.listeners", client
    yield "inter.broker.listener.name", "CLIENT"
    yield "listener.security.protocol.map", "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT"


def _replication(brokers: int) -> Iterator[tuple[str, str]]:
    in_sync = "2" if brokers >= 3 else "1"
    yield "default.replication.factor", str(brokers)
    yield "min.insync.replicas", in_sync
    yield "offsets.topic.replication.factor", str(brokers)
    yield "transaction.state.log.replication.factor", str(brokers)
    yield "transaction.state.log.min.isr", in_sync


_SMALL_AND_QUICK = (
    ("auto.create.topics.enable", "false"),
    ("group.initial.rebalance.delay.ms", "0"),
    # Members choose how soon they are given up; the default would refuse less than 6 s.
    ("group.min.session.timeout.ms", "1000"),
    ("offsets.topic.num.partitions", "3"),
    ("transaction.state.log.num.partitions", "3"),
    # A segment is preallocated only on Windows; a small one keeps compaction able to act soon.
    ("log.segment.bytes", str(64 << 20)),
    ("offsets.topic.segment.bytes", str(4 << 20)),
    ("transaction.state.log.segment.bytes", str(4 << 20)),
    # A killed worker's open transaction holds back every reader: look for timed-out ones often.
    ("transaction.abort.timed.out.transaction.cleanup.interval.ms", "2000"),
    # A broker that was killed is let in again only when its old session is over (9 s by default).
    ("broker.session.timeout.ms", "4000"),
    ("broker.heartbeat.interval.ms", "1000"),
    ("num.network.threads", "2"),
    ("num.io.threads", "4"),
    ("background.threads", "2"),
    ("num.recovery.threads.per.data.dir", "2"),
    ("log.cleaner.threads", "1"),
    # Room for the keys of 150,000 records, taken at the start; where there are more, cleaning takes
    # several turns.
    ("log.cleaner.dedupe.buffer.size", str(4 << 20)),
    ("log.cleaner.io.buffer.size", str(256 << 10)),
    ("log.cleaner.backoff.ms", "15000"),
    ("socket.request.max.bytes", str(64 << 20)),
    ("message.max.bytes", str(8 << 20)),
)
