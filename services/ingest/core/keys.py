"""API keys: 256 random bits that a source shows, of which only the SHA-256 is kept.

A plain hash is enough: nobody can guess 256 random bits, so there is nothing to slow down.
"""

import hashlib
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

ANY_SOURCE = "*"
KEY_BYTES = 32

_PREFIX = "bw_"
_KEY = re.compile(r"bw_[A-Za-z0-9_-]{43}")


class BadKey(ValueError):
    """The text is not of the form of an API key."""


@dataclass(frozen=True, slots=True)
class SourceKey:
    """What is known of a key. `sources` are the event sources it may report, `*` for any."""

    id: int
    digest: bytes
    sources: frozenset[str]
    expires_at: datetime | None = None

    def allows(self, source: str) -> bool:
        return source in self.sources or ANY_SOURCE in self.sources

    def valid_at(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


class KeyRing:
    """All keys that are not revoked, by digest: looking one up compares no secret."""

    def __init__(self, keys: Iterable[SourceKey] = ()) -> None:
        self._by_digest = {key.digest: key for key in keys}

    def __len__(self) -> int:
        return len(self._by_digest)

    def find(self, digest: bytes, now: datetime) -> SourceKey | None:
        key = self._by_digest.get(digest)
        return key if key is not None and key.valid_at(now) else None


def new_key(random: bytes) -> str:
    """The key's text from `KEY_BYTES` random bytes."""
    if len(random) != KEY_BYTES:
        raise ValueError(f"a key needs {KEY_BYTES} random bytes")
    return _PREFIX + urlsafe_b64encode(random).rstrip(b"=").decode()


def digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def checked(key: str) -> str:
    """The key without surrounding white space. Raises `BadKey`."""
    text = key.strip()
    if not _KEY.fullmatch(text):
        raise BadKey(f"an API key has the form {_PREFIX} and 43 letters, digits, - or _")
    return text


def presented(authorization: str | None, api_key: str | None) -> str | None:
    """The key that a request shows, in `Authorization: Bearer KEY` or in `X-API-Key`."""
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return api_key.strip() if api_key and api_key.strip() else None
