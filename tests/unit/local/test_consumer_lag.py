from deploy.local.consumer_lag import Lag, sum_lag


def test_the_lag_of_a_topic_is_summed_over_its_partitions() -> None:
    committed = {("tickets", 0): 5, ("tickets", 1): 10, ("surveys", 0): 3}
    ends = {("tickets", 0): 8, ("tickets", 1): 10, ("surveys", 0): 3}
    assert sum_lag("measure", committed, ends) == [
        Lag("measure", "surveys", 0),
        Lag("measure", "tickets", 3),
    ]


def test_a_partition_that_was_never_committed_is_behind_by_all_of_it() -> None:
    assert sum_lag("g", {("t", 0): -1}, {("t", 0): 7}) == [Lag("g", "t", 7)]
