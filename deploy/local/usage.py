"""What processes use: resident memory and CPU, their own children included."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Usage:
    """Memory in bytes, CPU in percent of one core. `pss` shares common pages out fairly."""

    rss: int
    pss: int
    cpu: float


def measure_usage(pids: Mapping[str, int], seconds: float) -> dict[str, Usage]:
    """Watch processes (name to pid) for `seconds` and return what each used."""
    before = {name: _cpu_seconds(pid) for name, pid in pids.items()}
    began = time.monotonic()
    time.sleep(seconds)
    span = time.monotonic() - began
    return {
        name: Usage(
            rss=sum(process.memory_info().rss for process in _family(pid)),
            pss=sum(_pss(process) for process in _family(pid)),
            cpu=100 * max(0.0, _cpu_seconds(pid) - before[name]) / span,
        )
        for name, pid in pids.items()
    }


def _cpu_seconds(pid: int) -> float:
    total = 0.0
    for process in _family(pid):
        times = process.cpu_times()
        total += float(times.user + times.system)
    return total


def _family(pid: int) -> Iterator[psutil.Process]:
    """Yield the process and its descendants; one that ends while we look is left out."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for member in (process, *process.children(recursive=True)):
            if member.is_running():
                yield member


def _pss(process: psutil.Process) -> int:
    try:
        return int(getattr(process.memory_full_info(), "pss", 0)) or process.memory_info().rss
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
