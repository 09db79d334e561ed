"""Settings that every service shares, read from the environment once, in its `main.py`.

Every name has the prefix `BELLWETHER_`; a service subclasses `RuntimeSettings` for its own.
"""

from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]


class RuntimeSettings(BaseSettings):
    """Frozen. A wrong value fails at start with a message that says what to do."""

    model_config = SettingsConfigDict(
        env_prefix="BELLWETHER_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,  # a wrong DSN still holds a password
    )

    kafka_bootstrap_servers: str = "127.0.0.1:19092"
    postgres_dsn: SecretStr = SecretStr("postgresql://bellwether@127.0.0.1:15432/bellwether")
    partitions: int = Field(default=3, ge=1, le=1024)
    """Of the input topics: so many `measure` processes can share the work. What they cost grows
    with their square (ADR 17)."""
    kafka_replication: int = Field(default=1, ge=1, le=9)
    log_format: LogFormat = "json"
    log_level: LogLevel = "info"

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("kafka_bootstrap_servers")
    @classmethod
    def _host_port_list(cls, value: str) -> str:
        for server in value.split(","):
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdigit():
                raise ValueError(
                    f"{server!r} is no HOST:PORT; "
                    "set BELLWETHER_KAFKA_BOOTSTRAP_SERVERS to HOST:PORT[,HOST:PORT…]"
                )
        return value

    @field_validator("postgres_dsn")
    @classmethod
    def _postgres_url(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("postgresql://", "postgres://")):
            raise ValueError(
                "set BELLWETHER_POSTGRES_DSN to postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            )
        return value
