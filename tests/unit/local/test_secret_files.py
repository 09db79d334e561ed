import base64
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.secret_files import api_key, token, webhook_secret


@pytest.mark.parametrize("create", [token, api_key, webhook_secret])
def test_a_secret_is_made_once_and_only_its_owner_reads_it(
    tmp_path: Path, create: Callable[[Path], str]
) -> None:
    file = tmp_path / "secrets" / "one"
    first = create(file)
    assert create(file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


def test_two_secrets_differ(tmp_path: Path) -> None:
    assert token(tmp_path / "one") != token(tmp_path / "other")


def test_a_webhook_secret_has_the_form_of_standard_webhooks(tmp_path: Path) -> None:
    prefix, _, key = webhook_secret(tmp_path / "secret").partition("_")
    assert prefix == "whsec"
    assert len(base64.b64decode(key)) == 32
