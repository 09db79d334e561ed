"""The ports of a local system."""

import contextlib
import random
import socket
from collections.abc import Mapping
from dataclasses import dataclass, fields

_LISTENING = range(20_000, 32_000)


class PortTakenError(RuntimeError):
    """Somebody else listens where a process of ours would."""


@dataclass(frozen=True)
class Ports:
    """Defaults are what the documentation names. Kafka's nodes count up from `kafka`."""

    kafka: int = 19092
    postgres: int = 15432
    ingest: int = 8010
    api: int = 8020
    measure: int = 8021
    windows: int = 8022
    recorder: int = 8023
    feedback: int = 8030
    notify: int = 8040


def variable_of(port: str) -> str:
    """Return the environment variable that moves a port, for example BELLWETHER_INGEST_PORT."""
    return f"BELLWETHER_{'SCORING' if port == 'api' else port.upper()}_PORT"


def ports_from(environ: Mapping[str, str]) -> Ports:
    """Read the ports that BELLWETHER_*_PORT variables move; raises ValueError naming a bad one."""
    chosen: dict[str, int] = {}
    for port in fields(Ports):
        if text := environ.get(variable_of(port.name)):
            chosen[port.name] = _parse(variable_of(port.name), text)
    return Ports(**chosen)


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that nothing listens on at the moment.

    They lie below the range that the kernel takes ports of outgoing connections from: one of those
    could else hold a port at the moment when a restarted process wants it back.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(_LISTENING, len(_LISTENING)):
            if len(found) == count:
                break
            opened = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                opened.bind(("127.0.0.1", port))
                found.append(port)
    if len(found) < count:
        raise PortTakenError(
            f"of the ports {_LISTENING.start} to {_LISTENING.stop} too few are free"
        )
    return found


def in_use(port: int) -> bool:
    """Say whether something listens on 127.0.0.1:`port`."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def refuse_taken_ports(wanted: Mapping[str, int]) -> None:
    """Raise PortTakenError, naming every port of `wanted` (name to port) that is in use."""
    taken = {name: port for name, port in wanted.items() if in_use(port)}
    if taken:
        lines = (
            f"Port {port} is taken, and {name} wants it. Free it, or set {_mover(name)}."
            for name, port in taken.items()
        )
        raise PortTakenError("\n".join(lines))


def _mover(name: str) -> str:
    return variable_of(name.split(maxsplit=1)[0])


def _parse(variable: str, text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"{variable} must be a port between 1 and 65535, not {text!r}")
    return int(text)
