"""`python3 -m deploy.local.bootstrap run|test|check|tools|clean`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from deploy.local.bootstrap.chromium import ensure_chromium
from deploy.local.bootstrap.cleaning import clean
from deploy.local.bootstrap.console_build import ensure_console
from deploy.local.bootstrap.kafka_jars import ensure_kafka_jars
from deploy.local.bootstrap.machine import CommandFailed, Missing
from deploy.local.bootstrap.python_environment import ensure_python_environment
from deploy.local.bootstrap.rust import ensure_libpython, ensure_rust_checks

_TO_RUN = (ensure_python_environment, ensure_kafka_jars, ensure_console)
_PROFILES = {
    "check": (ensure_python_environment, ensure_rust_checks, ensure_console),
    "run": _TO_RUN,
    "tools": _TO_RUN,
    "test": (*_TO_RUN, ensure_rust_checks, ensure_libpython, ensure_chromium),
    "clean": (clean,),
}


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in _PROFILES:
        print(f"usage: python3 -m deploy.local.bootstrap {'|'.join(_PROFILES)}", file=sys.stderr)
        return 2
    lacks = _prepare(_PROFILES[arguments[0]])
    for lack in dict.fromkeys(lacks):
        print(f"bootstrap: {lack}", file=sys.stderr)
    return 1 if lacks else 0


def _prepare(steps: Sequence[Callable[[], None]]) -> list[str]:
    """Take every step, and return what is missing, so that all of it can be installed at once.

    A command that failed ends it; what was missing before may be why.
    """
    lacks = []
    for step in steps:
        try:
            step()
        except Missing as missing:
            lacks.append(str(missing))
        except CommandFailed as failure:
            return [*lacks, str(failure)]
    return lacks


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
