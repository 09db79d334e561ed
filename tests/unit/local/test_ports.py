import socket

import pytest

from deploy.local.ports import (
    Ports,
    PortTakenError,
    free_ports,
    in_use,
    ports_from,
    refuse_taken_ports,
)


def test_ports_are_the_documented_ones_unless_moved() -> None:
    assert ports_from({}) == Ports()
    assert ports_from({"BELLWETHER_SCORING_PORT": "9020"}) == Ports(api=9020)


@pytest.mark.parametrize("text", ["0", "65536", "-1", "http"])
def test_a_port_that_is_none_is_refused_by_the_name_of_its_variable(text: str) -> None:
    with pytest.raises(ValueError, match="BELLWETHER_NOTIFY_PORT must be a port"):
        ports_from({"BELLWETHER_NOTIFY_PORT": text})


def test_free_ports_differ_and_nobody_listens_on_them() -> None:
    found = free_ports(20)
    assert max(found) < 32_768  # from there on the kernel picks ports for outgoing connections
    assert len(set(found)) == 20
    assert not any(in_use(port) for port in found)


def test_a_taken_port_is_named_with_who_wants_it_and_the_variable_that_moves_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(
            PortTakenError, match=f"Port {port} is taken, and api .* BELLWETHER_SCORING_PORT"
        ):
            refuse_taken_ports({"api": port})
