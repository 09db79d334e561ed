"""Settings that are wrong are refused with what to do."""

import pytest
from pydantic import ValidationError

from services.notify.core.signing import endpoint_secret
from services.notify.settings import NotifySettings, is_standard_secret

SECRET = "whsec_" + "A" * 32


def test_a_webhook_needs_a_secret() -> None:
    with pytest.raises(ValidationError, match="BELLWETHER_NOTIFY_WEBHOOK_SECRET"):
        NotifySettings.model_validate({"notify_webhook_url": "https://example.com/"})


@pytest.mark.parametrize(
    "changes",
    [
        {"notify_webhook_url": "not a url", "notify_webhook_secret": SECRET},
        {"notify_webhook_url": "ftp://example.com/", "notify_webhook_secret": SECRET},
        {"notify_webhook_secret": "plain"},
        {"notify_webhook_secret": "whsec_short"},
        {"notify_zone": "Mars/Olympus"},
        {"notify_zone": "../../etc/passwd"},
        {"notify_signing_key": "short"},
        {"notify_max_attempts": 0},
    ],
)
def test_a_wrong_setting_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NotifySettings.model_validate(changes)


def test_an_empty_webhook_is_no_webhook() -> None:
    settings = NotifySettings.model_validate(
        {"notify_webhook_url": "", "notify_webhook_secret": ""}
    )
    assert settings.notify_webhook_url is None
    assert settings.notify_webhook_secret is None


def test_derived_secrets_are_standard_and_differ_by_endpoint_salt_and_key() -> None:
    secrets = {
        endpoint_secret(key, endpoint, salt)
        for key in (b"k1", b"k2")
        for endpoint in ("ep_1", "ep_2")
        for salt in (b"s1", b"s2")
    }
    assert len(secrets) == 8
    assert all(is_standard_secret(secret) for secret in secrets)
