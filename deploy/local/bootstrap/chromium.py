"""Chromium and a Chinese font, for the browser tests."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.local.bootstrap.machine import ensure_apt

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FONTS = Path("/usr/share/fonts")


def ensure_chromium() -> None:
    missing = []
    if not any(shutil.which(name) for name in _NAMES):
        missing.append("chromium")
    if not any(_FONTS.glob("**/*CJK*")):
        missing.append("fonts-noto-cjk")
    if missing:
        ensure_apt("The browser tests lack a browser or a Chinese font.", missing)
