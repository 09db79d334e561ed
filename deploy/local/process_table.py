"""The services of a local system, as data: what runs, on which port, as which database role.

`docker-compose.yml` runs the same services; a test compares the two.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deploy.local.layout import CHECKOUT
from deploy.local.ports import Ports
from deploy.local.probes import AlwaysReady, HttpReady
from deploy.local.process import ProcessSpec

DEV_KEY = "dev-key"
SIMULATOR = "simulator"

LEAN = {
    "MALLOC_ARENA_MAX": "2",
    # A compressor takes a megabyte for each batch: given back, its pages have to be fetched anew.
    "MALLOC_TRIM_THRESHOLD_": "4194304",
    "MALLOC_MMAP_THRESHOLD_": "2097152",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONUNBUFFERED": "1",
}
"""The environment of every Python process of the product: few threads and arenas."""


@dataclass(frozen=True)
class Service:
    """One process of ours. `port_env` is the variable that tells it its own `port`."""

    name: str
    module: str
    role: str
    port: int
    port_env: str
    arguments: tuple[str, ...] = ()

    @property
    def argv(self) -> tuple[str, ...]:
        return (sys.executable, "-m", self.module, *self.arguments)

    @property
    def ready_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/readyz"


@dataclass(frozen=True)
class Simulation:
    """How the simulated organisation streams in: events per second."""

    rate: float = 50.0


def services(ports: Ports) -> tuple[Service, ...]:
    """Return every service in the order in which a reader of the log meets them."""
    scoring = "services.scoring.main"
    return (
        Service(
            "ingest", "services.ingest.main", "ingest", ports.ingest, "INGEST_PORT", ("serve",)
        ),
        Service("measure", scoring, "scoring", ports.measure, "METRICS_PORT", ("measure",)),
        Service("windows", scoring, "scoring", ports.windows, "METRICS_PORT", ("windows",)),
        Service("recorder", scoring, "scoring", ports.recorder, "METRICS_PORT", ("recorder",)),
        Service("api", scoring, "scoring", ports.api, "SCORING_PORT", ("api",)),
        Service("notify", "services.notify.main", "notify", ports.notify, "NOTIFY_PORT"),
        Service("feedback", "services.feedback.main", "feedback", ports.feedback, "FEEDBACK_PORT"),
    )


def more_workers(service: Service, ports: Sequence[int]) -> tuple[Service, ...]:
    """Return further workers of `service`, one for each port: measure-2, measure-3, ..."""
    return tuple(
        replace(service, name=f"{service.name}-{number}", port=port)
        for number, port in enumerate(ports, start=2)
    )


@dataclass(frozen=True)
class Wiring:
    """What every service is told: `environ` is inherited, `dsns` maps a role to its DSN."""

    environ: Mapping[str, str]
    bootstrap_servers: str
    replication: int
    dsns: Mapping[str, str]
    ports: Ports
    api_key_file: Path
    webhook_secret: str
    foundations: tuple[str, ...]

    def environment(self, role: str) -> dict[str, str]:
        return {
            "BELLWETHER_NOTIFY_ALLOW_PRIVATE_TARGETS": "true",  # a receiver of one's own, to try
            **self.environ,
            **LEAN,
            "BELLWETHER_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap_servers,
            "BELLWETHER_KAFKA_REPLICATION": str(self.replication),
            "BELLWETHER_POSTGRES_DSN": self.dsns[role],
            "BELLWETHER_SCORING_URL": f"http://127.0.0.1:{self.ports.api}",
            "BELLWETHER_NOTIFY_URL": f"http://127.0.0.1:{self.ports.notify}",
            "BELLWETHER_FEEDBACK_URL": f"http://127.0.0.1:{self.ports.feedback}",
            "BELLWETHER_NOTIFY_WEBHOOK_SECRET": self.webhook_secret,
            "BELLWETHER_CONSOLE_ORIGINS": self._console_origins,
        }

    @property
    def _console_origins(self) -> str:
        return ",".join(f"http://{host}:{self.ports.api}" for host in ("127.0.0.1", "localhost"))


def service_spec(service: Service, wiring: Wiring) -> ProcessSpec:
    """Return how the supervisor runs `service`."""
    own = {
        f"BELLWETHER_{service.port_env}": str(service.port),
        "BELLWETHER_INSTANCE": service.name,  # started again, it takes up its work at once
    }
    return ProcessSpec(
        name=service.name,
        argv=service.argv,
        probe=HttpReady(service.ready_url),
        env={**wiring.environment(service.role), **own},
        needs=wiring.foundations,
        cwd=CHECKOUT,
    )


def dev_key_spec(wiring: Wiring) -> ProcessSpec:
    """Return the step that makes the local API key known to ingest, for every source."""
    command = ("keys", "add", "*", "--key-file", str(wiring.api_key_file))
    return ProcessSpec(
        name=DEV_KEY,
        argv=(sys.executable, "-m", "services.ingest.main", *command),
        env=wiring.environment("ingest"),
        needs=("ingest", *wiring.foundations),
        cwd=CHECKOUT,
        once=True,
    )


def simulator_spec(wiring: Wiring, simulation: Simulation) -> ProcessSpec:
    """Return the simulated organisation that streams in through ingest."""
    options = (
        *("--rate", f"{simulation.rate:g}"),
        *("--url", f"http://127.0.0.1:{wiring.ports.ingest}"),
        *("--key-file", str(wiring.api_key_file)),
    )
    return ProcessSpec(
        name=SIMULATOR,
        argv=(sys.executable, "-m", "deploy.cli.main", "simulate", *options),
        probe=AlwaysReady(),
        env={**wiring.environ, **LEAN},
        needs=(DEV_KEY, "ingest", "measure", "windows", "api"),
        cwd=CHECKOUT,
    )
