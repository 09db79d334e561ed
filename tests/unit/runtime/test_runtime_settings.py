import pytest
from pydantic import ValidationError

from shared.runtime.settings import RuntimeSettings


def test_the_environment_overrides_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_KAFKA_BOOTSTRAP_SERVERS", "a:1,b:2")
    monkeypatch.setenv("BELLWETHER_LOG_LEVEL", "DEBUG")
    settings = RuntimeSettings()
    assert settings.kafka_bootstrap_servers == "a:1,b:2"
    assert settings.log_level == "debug"


@pytest.mark.parametrize(
    ("name", "value", "advice"),
    [
        ("KAFKA_BOOTSTRAP_SERVERS", "localhost", "HOST:PORT"),
        ("POSTGRES_DSN", "mysql://root:hunter2@db/x", "postgresql://USER:PASSWORD@HOST"),
        ("PARTITIONS", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_says_what_to_do_and_keeps_secrets(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, advice: str
) -> None:
    monkeypatch.setenv(f"BELLWETHER_{name}", value)
    with pytest.raises(ValidationError, match=advice) as caught:
        RuntimeSettings()
    assert "hunter2" not in str(caught.value)


def test_a_printed_setting_hides_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BELLWETHER_POSTGRES_DSN", "postgresql://u:hunter2@h/d")
    assert "hunter2" not in repr(RuntimeSettings())


def test_settings_cannot_be_changed_after_the_start() -> None:
    settings = RuntimeSettings()
    with pytest.raises(ValidationError):
        settings.partitions = 12  # type: ignore[misc]  # that it is refused is the point
