"""What every service is started with."""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local.ports import Ports
from deploy.local.process_table import Wiring

TAKES_AND_FREES = """
import ctypes
import resource

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p

def take_and_free():
    memory = ctypes.c_void_p(libc.malloc(ctypes.c_size_t(1_000_000)))
    ctypes.memset(memory, 1, 1_000_000)
    libc.free(memory)

take_and_free()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(100):
    take_and_free()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def wiring(directory: Path) -> Wiring:
    return Wiring(
        environ=os.environ,
        bootstrap_servers="127.0.0.1:1",
        replication=1,
        dsns={"scoring": "postgresql://127.0.0.1/none"},
        ports=Ports(),
        api_key_file=directory / "key",
        webhook_secret="whsec_",
        foundations=(),
    )


def test_a_compressors_memory_is_not_fetched_anew_for_every_batch(tmp_path: Path) -> None:
    environ = wiring(tmp_path).environment("scoring")
    done = subprocess.run(
        [sys.executable, "-c", TAKES_AND_FREES],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 1000  # of 24,400 pages that were written to
