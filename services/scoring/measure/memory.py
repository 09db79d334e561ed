"""Gives freed memory back to the system."""

from __future__ import annotations

import ctypes


def give_back_freed() -> None:
    """After a restore hundreds of megabytes of log were read and freed; glibc would keep them.
    Where the C library is another one, nothing happens."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
