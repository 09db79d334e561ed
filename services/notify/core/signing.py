"""Secrets of webhook endpoints: derived, not stored.

The secret of an endpoint is HMAC-SHA256 of its id and salt under one master key, so a copy of the
table of endpoints alone gives nobody a secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

_PURPOSE: Final = b"bellwether webhook secret v1"


def endpoint_secret(master_key: bytes, endpoint_id: str, salt: bytes) -> str:
    """``whsec_`` and the base64 of 32 bytes, as Standard Webhooks writes secrets."""
    message = b"\0".join((_PURPOSE, endpoint_id.encode(), salt))
    derived = hmac.new(master_key, message, hashlib.sha256).digest()
    return "whsec_" + base64.b64encode(derived).decode()
