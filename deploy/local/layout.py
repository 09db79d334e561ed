"""Where things lie: the checkout, its tools, and the data directory of a local system."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from deploy.local.kafka import JAR_VERSION

CHECKOUT = Path(__file__).resolve().parents[2]
KAFKA_JARS = CHECKOUT / ".tools" / "kafka" / JAR_VERSION


@dataclass(frozen=True)
class DataDirectory:
    """The folders of one local system (`var/` by default)."""

    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        return self.root / "run"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    @property
    def lock_file(self) -> Path:
        return self.run / "lock"

    @property
    def dev_api_key(self) -> Path:
        return self.secrets / "dev-api-key"

    @property
    def webhook_secret(self) -> Path:
        return self.secrets / "webhook-secret"

    def kafka(self, brokers: int) -> Path:
        """The cluster's folder; its node count is part of the name, as KRaft fixes the voters."""
        return self.root / ("kafka" if brokers == 1 else f"kafka-{brokers}")

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    def role_password(self, service: str) -> Path:
        return self.secrets / f"postgres-{service}"


def temporary_directory() -> Path:
    """Return a fresh folder that Postgres can reach even when we are root and it is not."""
    folder = Path(tempfile.mkdtemp(prefix="bellwether-"))
    if os.geteuid() == 0:
        folder.chmod(0o711)
    return folder
