"""A whole local system: Kafka, Postgres, every service, the simulator. For `up` and for tests."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local import process_table as table
from deploy.local import secret_files
from deploy.local.databases import SERVICES, create_databases, service_dsn
from deploy.local.foundations import KAFKA, POSTGRES, kafka_specs, postgres_spec
from deploy.local.java import find_java
from deploy.local.kafka import KafkaCluster, default_ports
from deploy.local.layout import KAFKA_JARS, DataDirectory, temporary_directory
from deploy.local.ports import Ports, free_ports, refuse_taken_ports
from deploy.local.postgres import PostgresServer, find_binaries
from deploy.local.process import ProcessSpec, Sink
from deploy.local.run_state import SupervisorLock, end_leftovers, read_state
from deploy.local.supervisor import Places, Step, Supervisor

_SERVERS = frozenset({KAFKA, POSTGRES, table.DEV_KEY})
_NUMBER = re.compile(r"-\d+$")


@dataclass(frozen=True)
class StackOptions:
    """What to start.

    `only` names services (none: all of them), which come with the servers they need; `without`
    names any process. `kafka` and `postgres_dsn` are servers that the user already runs: none is
    started then. `durable=False` is for tests: servers start quicker and may lose data when the
    power fails. `environ` is what the processes inherit.
    """

    ports: Ports = field(default_factory=Ports)
    brokers: int = 1
    simulation: table.Simulation | None = None
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    kafka: str | None = None
    postgres_dsn: str | None = None
    measure_workers: int = 1
    kafka_ports: tuple[int, ...] = ()
    durable: bool = True
    environ: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def wants(self, name: str) -> bool:
        names = {name, _NUMBER.sub("", name)}
        chosen = not self.only or bool(names & (self.only | _SERVERS))
        return chosen and not names & self.without


class LocalStack:
    """Starts, watches, hurts and stops a whole system that lives in one data directory.

    Use it as a context manager, or call `start` and `stop`. Every method blocks and may be called
    from any thread.
    """

    def __init__(self, directory: Path, options: StackOptions, sink: Sink | None = None) -> None:
        self.data = DataDirectory(directory)
        self.options = options
        self._sink = sink or _discard
        self._lock = SupervisorLock(self.data.lock_file)
        self._supervisor: Supervisor | None = None
        self._temporary = False
        self._further_measure_ports = free_ports(options.measure_workers - 1)

    @classmethod
    def temporary(cls, options: StackOptions | None = None, sink: Sink | None = None) -> Self:
        """Return a stack with free ports and a directory of its own, removed when it stops."""
        stack = cls(temporary_directory(), _on_free_ports(options or StackOptions()), sink)
        stack._temporary = True
        return stack

    @property
    def supervisor(self) -> Supervisor:
        if self._supervisor is None:
            raise RuntimeError("the stack was not started")
        return self._supervisor

    @property
    def bootstrap_servers(self) -> str:
        return self.options.kafka or self._cluster().bootstrap_servers

    @property
    def superuser_dsn(self) -> str:
        """The DSN of the superuser of the Postgres that we started."""
        return self._postgres().dsn()

    @property
    def api_key(self) -> str:
        """The key that ingest accepts for every source."""
        return secret_files.api_key(self.data.dev_api_key)

    @property
    def webhook_secret(self) -> str:
        """The secret with which notify signs: the user's, or one of our own."""
        chosen = self.options.environ.get("BELLWETHER_NOTIFY_WEBHOOK_SECRET")
        return chosen or secret_files.webhook_secret(self.data.webhook_secret)

    def url(self, service: str) -> str:
        """Return the base URL of `ingest`, `api`, `feedback`, `notify`, `measure`, ..."""
        return f"http://127.0.0.1:{getattr(self.options.ports, service)}"

    def runs(self, name: str) -> bool:
        """Say whether `name` is among what was asked for."""
        return self.options.wants(name)

    def dsn(self, service: str) -> str:
        """Return the DSN by which `service` reaches its own schema."""
        if self.options.postgres_dsn is not None:
            return self.options.postgres_dsn
        password = secret_files.token(self.data.role_password(service))
        return service_dsn(self._postgres().dsn(), service, password)

    def start(self, *, wait: bool = True, timeout: float = 240.0) -> None:
        """Start everything, and wait until it is ready unless told otherwise.

        Raises AlreadyRunningError when another supervisor owns the directory, and StartError
        when something does not become ready; nothing is left running then.
        """
        self._lock.acquire()
        try:
            self._end_leftovers()
            refuse_taken_ports(self._ports_to_bind())
            self._supervisor = self._assemble()
            self._supervisor.start()
            if wait:
                self._supervisor.wait_ready(timeout=timeout)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything; no process is left when this returns."""
        if self._supervisor is not None:
            self._supervisor.stop()
        self._lock.release()
        if self._temporary:
            shutil.rmtree(self.data.root, ignore_errors=True)

    def kill(self, name: str) -> None:
        """SIGKILL a process; the supervisor restarts it, see `wait_ready`."""
        self.supervisor.kill(name)

    def restart(self, name: str) -> None:
        """Stop a process politely and start it again."""
        self.supervisor.stop_process(name)
        self.supervisor.start_process(name)

    def hurry(self) -> None:
        """While `stop` waits: kill what is left."""
        if self._supervisor is not None:
            self._supervisor.hurry()

    def wait_ready(self, names: Iterable[str] | None = None, timeout: float = 60.0) -> None:
        self.supervisor.wait_ready(names, timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _end_leftovers(self) -> None:
        state = read_state(self.data.state_file)
        for name in end_leftovers(state.processes) if state else []:
            self._sink("bellwether", f"{name} was left over from an earlier run and has been ended")

    def _ports_to_bind(self) -> dict[str, int]:
        options = self.options
        taken = {service.name: service.port for service in self._services()}
        if options.kafka is None and options.wants(KAFKA):
            taken |= {f"{KAFKA} {b.node_id}": b.port for b in self._cluster().brokers}
        if options.postgres_dsn is None and options.wants(POSTGRES):
            taken[POSTGRES] = options.ports.postgres
        return taken

    def _assemble(self) -> Supervisor:
        return Supervisor(
            specs=[spec for spec in self._specs() if self.options.wants(spec.name)],
            places=Places(self.data.logs, self.data.state_file),
            sink=self._sink,
            steps=self._steps(),
            connections={"kafka": self.bootstrap_servers, **self._urls()},
        )

    def _specs(self) -> list[ProcessSpec]:
        foundations = self._foundations()
        wiring = self._wiring(tuple(spec.name for spec in foundations))
        ours = [table.service_spec(service, wiring) for service in self._services()]
        specs = [*foundations, *ours, table.dev_key_spec(wiring)]
        if self.options.simulation is not None:
            specs.append(table.simulator_spec(wiring, self.options.simulation))
        return specs

    def _foundations(self) -> list[ProcessSpec]:
        specs: list[ProcessSpec] = []
        if self.options.kafka is None and self.options.wants(KAFKA):
            cluster = self._cluster()
            cluster.prepare()
            specs.extend(kafka_specs(cluster, self.options.environ))
        if self.options.postgres_dsn is None and self.options.wants(POSTGRES):
            server = self._postgres()
            server.prepare()
            specs.append(postgres_spec(server, self.options.environ))
        return specs

    def _services(self) -> list[table.Service]:
        services = table.services(self.options.ports)
        measure = next(service for service in services if service.name == "measure")
        chosen = [*services, *table.more_workers(measure, self._further_measure_ports)]
        return [service for service in chosen if self.options.wants(service.name)]

    def _wiring(self, foundations: tuple[str, ...]) -> table.Wiring:
        _ = self.api_key  # written now, so that the file exists when a process looks for it
        return table.Wiring(
            environ=self.options.environ,
            bootstrap_servers=self.bootstrap_servers,
            replication=self.options.brokers,
            dsns={service: self.dsn(service) for service in SERVICES},
            ports=self.options.ports,
            api_key_file=self.data.dev_api_key,
            webhook_secret=self.webhook_secret,
            foundations=foundations,
        )

    def _steps(self) -> dict[str, Step]:
        if self.options.postgres_dsn is not None:
            return {}
        passwords = {name: secret_files.token(self.data.role_password(name)) for name in SERVICES}
        return {POSTGRES: partial(create_databases, self._postgres().dsn(), passwords)}

    def _urls(self) -> dict[str, str]:
        return {port.name: self.url(port.name) for port in fields(Ports)[2:]}

    def _cluster(self) -> KafkaCluster:
        options = self.options
        ports = options.kafka_ports or default_ports(options.ports.kafka, options.brokers)
        directory = self.data.kafka(options.brokers)
        java = find_java(options.environ)
        return KafkaCluster(java, KAFKA_JARS, directory, ports, short_lived=not options.durable)

    def _postgres(self) -> PostgresServer:
        return PostgresServer(
            binaries=find_binaries(),
            directory=self.data.postgres,
            password_file=self.data.secrets / "postgres",
            port=self.options.ports.postgres,
            durable=self.options.durable,
        )


def _on_free_ports(options: StackOptions) -> StackOptions:
    names = [port.name for port in fields(Ports)]
    found = free_ports(len(names) + 2 * options.brokers)
    ports = Ports(**dict(zip(names, found, strict=False)))
    return replace(options, ports=ports, kafka_ports=tuple(found[len(names) :]), durable=False)


def _discard(name: str, line: str) -> None:
    """For callers who read the log files instead."""
