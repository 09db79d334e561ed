"""What feedback reads from the environment (prefix BELLWETHER_)."""

from pydantic import Field, field_validator

from shared.runtime.settings import RuntimeSettings


class FeedbackSettings(RuntimeSettings):
    """Frozen. A wrong value fails at start with a message that says what to do."""

    feedback_host: str = "127.0.0.1"
    feedback_port: int = Field(default=8030, ge=0, le=65535)
    console_origins: str = "http://127.0.0.1:8020,http://localhost:8020"
    scoring_url: str = "http://127.0.0.1:8020"
    feedback_scoring_timeout_seconds: float = Field(default=30.0, gt=0, le=300)
    feedback_auto_publish: bool = True
    feedback_grace_hours: float = Field(default=24.0, ge=0, le=24 * 60)
    feedback_auto_interval_seconds: float = Field(default=600.0, gt=0)

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.console_origins.split(",") if origin.strip()]

    @field_validator("scoring_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("set BELLWETHER_SCORING_URL to http://HOST:PORT or https://HOST:PORT")
        return value.rstrip("/")
