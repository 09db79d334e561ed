"""Settings of ingest."""

from pydantic import Field

from shared.runtime.settings import RuntimeSettings


class IngestSettings(RuntimeSettings):
    ingest_host: str = "127.0.0.1"
    ingest_port: int = Field(default=8010, ge=0, le=65535)
    ingest_max_batch: int = Field(default=5000, ge=1, description="Events in one request")
    ingest_delivery_seconds: float = Field(
        default=8.0, gt=0, le=60, description="After that a client is told to send again"
    )
    ingest_key_refresh_seconds: float = Field(
        default=2.0, gt=0, le=300, description="A revoked key is refused after that at the latest"
    )
