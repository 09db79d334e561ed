"""Ids follow from what they name."""

from uuid import UUID

from services.notify.core.alerts import alert_id, message_id


def test_the_id_of_an_alert_is_a_uuid_that_follows_from_its_breach() -> None:
    first = UUID(alert_id("breach-1"))
    assert str(first) == alert_id("breach-1") != alert_id("breach-2")
    assert (first.version, first.variant) == (8, "specified in RFC 4122")


def test_a_message_has_one_id_per_alert_transition_and_endpoint() -> None:
    ids = {
        message_id(alert, transition, endpoint)
        for alert in ("a", "b")
        for transition in ("opened", "resolved")
        for endpoint in ("e", "f")
        for _ in range(2)
    }
    assert len(ids) == 8
