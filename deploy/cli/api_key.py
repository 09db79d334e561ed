"""Where the commands that send events find their API key."""

from __future__ import annotations

from pathlib import Path


class NoKey(Exception):
    """There is no key to send with; the message says how to get one."""


def read_key(key_file: Path | None, data_dir: Path) -> str:
    """The key in ``key_file``, or else the one that `bellwether up` made for this machine."""
    file = key_file or data_dir / "secrets" / "dev-api-key"
    try:
        key = file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NoKey(
            f"{file}: cannot be read ({error.strerror}): start `bellwether up` first, "
            "or name a key with --key-file"
        ) from error
    if not key:
        raise NoKey(f"{file}: is empty: it should hold one API key")
    return key
