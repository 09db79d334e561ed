"""What processes use: resident memory and CPU, their own children included."""

import contextlib
import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Usage:
    """Memory in bytes, CPU in percent of one core. `pss` shares common pages out fairly."""

    rss: int
    pss: int
    cpu: float


def measure_usage(pids: Mapping[str, int], seconds: float) -> dict[str, Usage]:
    """Watch processes (name to pid) for `seconds` and return what each used.

    A process answers for its children, except for those that are in `pids` themselves.
    """
    families = {name: _family(pid, set(pids.values())) for name, pid in pids.items()}
    before = {name: _cpu_seconds(family) for name, family in families.items()}
    began = time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - began
    return {
        name: _usage(family, max(0.0, _cpu_seconds(family) - before[name]) / span)
        for name, family in families.items()
    }


def _usage(family: Sequence[psutil.Process], cores: float) -> Usage:
    living = [process for process in family if process.is_running()]
    return Usage(
        rss=sum(process.memory_info().rss for process in living),
        pss=sum(_pss(process) for process in living),
        cpu=100 * cores,
    )


def _cpu_seconds(family: Sequence[psutil.Process]) -> float:
    total = 0.0
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):  # ended while we looked
            times = process.cpu_times()
            total += float(times.user + times.system)
    return total


def _family(pid: int, others: Set[int]) -> list[psutil.Process]:
    try:
        head = psutil.Process(pid)
        children = [child for child in head.children() if child.pid not in others]
    except psutil.NoSuchProcess:
        return []
    return [head, *(member for child in children for member in _family(child.pid, others))]


def _pss(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or process.memory_info().rss
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
