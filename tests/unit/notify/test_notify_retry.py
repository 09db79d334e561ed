"""What an attempt to deliver means for the next one."""

import pytest

from services.notify.core.retry import (
    Dead,
    Delivered,
    Outcome,
    Retry,
    RetryPolicy,
    decide,
    retry_after_seconds,
)

POLICY = RetryPolicy()
EVEN = 0.5  # the chance that neither shortens nor lengthens a pause


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_status_of_success_is_a_delivery(status: int) -> None:
    assert decide(Outcome(status), 1, POLICY, EVEN) == Delivered()


@pytest.mark.parametrize("status", [None, 302, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    assert decide(Outcome(status, "why"), 1, POLICY, EVEN) == Retry(2.0)


def test_pauses_double_up_to_the_cap() -> None:
    pauses = [POLICY.pause(attempts, EVEN) for attempts in range(1, 18)]
    assert pauses[:4] == [2, 4, 8, 16]
    assert max(pauses) == pauses[-1] == 14_400


def test_all_attempts_together_span_about_a_day() -> None:
    span = sum(POLICY.pause(attempts, EVEN) for attempts in range(1, POLICY.max_attempts))
    assert 18 * 3600 < span < 30 * 3600


def test_chance_spreads_the_pauses_by_a_quarter() -> None:
    assert POLICY.pause(1, 0.0) == 1.5
    assert POLICY.pause(1, 1.0) == 2.5


def test_the_last_attempt_ends_the_delivery() -> None:
    assert decide(Outcome(500), POLICY.max_attempts, POLICY, EVEN) == Dead()


def test_gone_ends_the_delivery_and_the_endpoint() -> None:
    assert decide(Outcome(410), 1, POLICY, EVEN) == Dead(endpoint_gone=True)


def test_a_receiver_may_ask_for_a_longer_pause_but_not_for_ever() -> None:
    assert decide(Outcome(503, retry_after=90), 1, POLICY, EVEN) == Retry(90)
    assert decide(Outcome(503, retry_after=10**6), 1, POLICY, EVEN) == Retry(3600)
    assert decide(Outcome(503, retry_after=0), 3, POLICY, EVEN) == Retry(8)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("120", 120), ("-1", None), ("soon", None), ("9" * 400, 3600)],
)
def test_retry_after_is_read_as_seconds(header: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(header) == seconds
