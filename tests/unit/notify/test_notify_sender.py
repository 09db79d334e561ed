"""A webhook goes to the address that was checked, or nowhere."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from services.notify.core.retry import Outcome
from services.notify.core.targets import BadTarget
from services.notify.sender import WebhookSender

NOW = datetime(2026, 1, 2, tzinfo=UTC)
SECRET = "whsec_" + "A" * 32


class Names:
    """A name server whose answers change with every question."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []

    async def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append((host, port))
        if not self.answers:
            raise OSError("no such name")
        return self.answers.pop(0)


@asynccontextmanager
async def sender(names: Names, *, allow_private: bool = False) -> AsyncIterator[WebhookSender]:
    made = WebhookSender(allow_private=allow_private, total_seconds=5, resolve=names.resolve)
    try:
        yield made
    finally:
        await made.close()


async def attempt(made: WebhookSender, url: str) -> Outcome:
    return await made.send(url, "{}", secret=SECRET, message_id="msg_1", at=NOW)


async def test_a_name_that_leads_inside_is_refused_before_any_connection() -> None:
    names = Names(["169.254.169.254"])
    async with sender(names, allow_private=True) as made:
        outcome = await attempt(made, "https://metadata.example/")
    assert outcome.status is None
    assert "forbidden address" in str(outcome.error)


async def test_a_name_is_looked_up_once_so_a_second_answer_cannot_lead_elsewhere() -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    async with sender(names, allow_private=True) as made:
        outcome = await attempt(made, "http://rebinding.example:1/")
    assert names.asked == [("rebinding.example", 1)]
    assert "ConnectError" in str(outcome.error)


async def test_a_name_that_is_unknown_is_a_failed_attempt() -> None:
    async with sender(Names()) as made:
        outcome = await attempt(made, "https://nowhere.example/")
    assert outcome == Outcome(None, "OSError: no such name")


async def test_plain_http_is_refused_unless_private_targets_are_admitted() -> None:
    async with sender(Names(["93.184.216.34"])) as made:
        outcome = await attempt(made, "http://example.com/")
    assert "https://" in str(outcome.error)


async def test_an_endpoint_whose_name_leads_inside_is_not_admitted() -> None:
    async with sender(Names(["10.0.0.1"])) as made:
        with pytest.raises(BadTarget, match="private"):
            await made.admit("https://inside.example/")


async def test_an_endpoint_whose_name_is_not_known_yet_is_admitted() -> None:
    names = Names()
    async with sender(names) as made:
        await made.admit("https://later.example/")
    assert names.asked == [("later.example", 443)]
