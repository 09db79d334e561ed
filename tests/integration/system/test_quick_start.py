"""The lines of the README's quick start work as they stand, but for the ports of the test."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import fields
from typing import Any

import pytest

from deploy.local.layout import CHECKOUT
from deploy.local.ports import Ports
from deploy.local.stack import LocalStack
from tests.system import settling

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

_BLOCK = re.compile(r"```sh\n(curl .*?)```", re.DOTALL)


def _commands() -> list[str]:
    return _BLOCK.findall((CHECKOUT / "README.md").read_text(encoding="utf-8"))


def _run(command: str, stack: LocalStack) -> Any:
    for port in fields(Ports):
        default = f"127.0.0.1:{getattr(Ports(), port.name)}"
        command = command.replace(default, f"127.0.0.1:{getattr(stack.options.ports, port.name)}")
    command = command.replace("var/secrets/dev-api-key", str(stack.data.dev_api_key))
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=30)
    return json.loads(done.stdout)


def _opened(windows: Any) -> list[int]:
    return [
        figure["n"]
        for record in windows["items"]
        for figure in record["figures"]
        if figure["indicator"] == "tickets_opened"
    ]


def test_a_first_event_is_accepted_again_and_again_and_is_one_ticket_in_the_window(
    stack: LocalStack,
) -> None:
    send, read, *_ = _commands()
    assert _run(send, stack)["accepted"] == 1
    assert _run(send, stack)["accepted"] == 1
    settling.until("the figure", lambda: _opened(_run(read, stack)) != [1], 60)


def test_the_scoreboard_is_there(stack: LocalStack) -> None:
    board, _ = _commands()[-2:]
    assert "items" in _run(board, stack)


def test_the_list_of_active_alerts_is_there(stack: LocalStack) -> None:
    *_, alerts = _commands()
    assert "items" in _run(alerts, stack)
