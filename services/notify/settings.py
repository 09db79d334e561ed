"""What notify reads from the environment (prefix BELLWETHER_)."""

import base64
import binascii
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, field_validator, model_validator

from services.notify.core.retry import RetryPolicy
from services.notify.core.targets import BadTarget, parse_target
from shared.runtime.settings import RuntimeSettings

MIN_SECRET_BYTES = 24
MAX_SECRET_BYTES = 64


class NotifySettings(RuntimeSettings):
    """Frozen. A wrong value fails at start with a message that says what to do."""

    notify_host: str = "127.0.0.1"
    notify_port: int = Field(default=8040, ge=0, le=65535)
    console_origins: str = "http://127.0.0.1:8020,http://localhost:8020"
    notify_zone: str = "Asia/Shanghai"
    notify_webhook_url: str | None = None
    notify_webhook_secret: SecretStr | None = None
    notify_signing_key: SecretStr | None = None
    notify_allow_private_targets: bool = False
    notify_max_attempts: int = Field(default=18, ge=1, le=100)
    notify_retry_base_seconds: float = Field(default=2.0, gt=0, le=3600)
    notify_retry_cap_seconds: float = Field(default=14_400.0, gt=0, le=86_400)
    notify_timeout_seconds: float = Field(default=15.0, gt=0, le=50)

    @property
    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.console_origins.split(",") if origin.strip()]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.notify_zone)

    @property
    def retry(self) -> RetryPolicy:
        return RetryPolicy(
            max_attempts=self.notify_max_attempts,
            base_seconds=self.notify_retry_base_seconds,
            cap_seconds=self.notify_retry_cap_seconds,
        )

    @field_validator("notify_webhook_url", "notify_webhook_secret", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        return value or None

    @field_validator("notify_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(
                f"{value!r} is no time zone; set BELLWETHER_NOTIFY_ZONE to one like Asia/Shanghai"
            ) from None
        return value

    @field_validator("notify_webhook_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_target(value, allow_plain=True)
            except BadTarget as error:
                raise ValueError(f"BELLWETHER_NOTIFY_WEBHOOK_URL {error}") from None
        return value

    @field_validator("notify_webhook_secret")
    @classmethod
    def _standard_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_standard_secret(value.get_secret_value()):
            raise ValueError(
                "set BELLWETHER_NOTIFY_WEBHOOK_SECRET to whsec_ and the base64 of 24 to 64 bytes"
            )
        return value

    @field_validator("notify_signing_key")
    @classmethod
    def _long_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("set BELLWETHER_NOTIFY_SIGNING_KEY to at least 32 random characters")
        return value

    @model_validator(mode="after")
    def _signed(self) -> "NotifySettings":
        if self.notify_webhook_url is not None and self.notify_webhook_secret is None:
            raise ValueError(
                "set BELLWETHER_NOTIFY_WEBHOOK_SECRET beside BELLWETHER_NOTIFY_WEBHOOK_URL: "
                "webhooks are always signed"
            )
        return self


def is_standard_secret(secret: str) -> bool:
    """Is it of the form that Standard Webhooks gives to symmetric secrets?"""
    encoded = secret.removeprefix("whsec_")
    if encoded == secret:
        return False
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return False
    return MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES
