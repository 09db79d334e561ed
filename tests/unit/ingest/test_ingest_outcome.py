from services.ingest.core.admission import Admitted, Refused
from services.ingest.core.faults import fault
from services.ingest.core.outcome import MAX_SUMMARY_FAULTS, Verdict, outcome

GOOD = Admitted("a", "ticket.opened", "tickets", b"T", b"{}")
BAD = Refused("b", "ticket.opened", [fault("is wrong", "data", "x")])


def test_each_event_has_its_result_in_the_order_of_the_request() -> None:
    result = outcome([BAD, GOOD, GOOD], [False, True], is_batch=True)
    assert [(item["index"], item["status"]) for item in result.items] == [
        (0, "rejected"),
        (1, "retry"),
        (2, "accepted"),
    ]
    assert result.counts | {"items": []} == {
        "accepted": 1,
        "rejected": 1,
        "retry": 1,
        "items": [],
    }


def test_one_stored_event_makes_the_request_accepted() -> None:
    result = outcome([BAD, GOOD, GOOD], [False, True], is_batch=True)
    assert result.verdict is Verdict.ACCEPTED


def test_nothing_stored_though_something_could_be_means_retry() -> None:
    assert outcome([BAD, GOOD], [False], is_batch=True).verdict is Verdict.RETRY


def test_nothing_valid_means_invalid() -> None:
    assert outcome([BAD], [], is_batch=True).verdict is Verdict.INVALID


def test_an_empty_batch_asks_for_nothing_and_is_accepted() -> None:
    assert outcome([], [], is_batch=True).verdict is Verdict.ACCEPTED


def test_a_fault_points_into_the_body_of_the_request() -> None:
    batch = outcome([GOOD, BAD], [True], is_batch=True)
    single = outcome([BAD], [], is_batch=False)
    assert [one["pointer"] for one in batch.faults] == ["/1/data/x"]
    assert [one["pointer"] for one in single.faults] == ["/data/x"]
    assert batch.items[1]["errors"] == BAD.faults


def test_the_summary_of_faults_is_bounded() -> None:
    assert len(outcome([BAD] * 500, [], is_batch=True).faults) == MAX_SUMMARY_FAULTS
