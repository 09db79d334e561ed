from hypothesis import given
from hypothesis import strategies as st

from deploy.local.restart_policy import RestartPolicy

POLICY = RestartPolicy(first=0.5, longest=15.0, settled=20.0, loud_after=4)


def test_the_delay_doubles_from_death_to_death() -> None:
    assert [POLICY.delay(deaths) for deaths in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, 4.0]


@given(st.integers(min_value=1, max_value=1000))
def test_the_delay_never_exceeds_its_cap(deaths: int) -> None:
    assert POLICY.delay(deaths) <= 15.0


def test_a_process_that_ran_long_enough_starts_counting_anew() -> None:
    assert POLICY.deaths_in_a_row(before=3, uptime=20.0) == 1
    assert POLICY.deaths_in_a_row(before=3, uptime=19.9) == 4


def test_the_fourth_death_in_a_row_is_a_standing_problem() -> None:
    assert [POLICY.is_standing_problem(deaths) for deaths in (3, 4)] == [False, True]
