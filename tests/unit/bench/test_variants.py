"""Which variants run, and how each is started."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from bench import report, variants
from bench.variants import VARIANTS, Place, Variant

PLACE = Place("127.0.0.1:9", "events", "sink", Path("/nowhere"), 1_006)


def test_every_ratio_has_its_two_variants_in_the_everyday_form() -> None:
    ran = {(v.name, v.job) for v in variants.chosen([], short=True)}
    outcomes = [report.Outcome(name, job, 1, 1.0, 1.0, 1.0, 1.0, "exact", "") for name, job in ran]
    assert None not in report.ratios(outcomes).values()


def test_the_full_form_runs_everything() -> None:
    assert list(variants.chosen([], short=False)) == list(VARIANTS)


def test_what_most_is_compared_with_runs_twice_in_the_full_form() -> None:
    ran = Counter((v.name, v.job) for v in variants.runs(VARIANTS, short=False))
    assert {variant for variant, times in ran.items() if times > 1} == {
        ("limit", "common"),
        ("bellwether", "common"),
        ("kafka_streams", "common"),
    }
    assert list(variants.runs(VARIANTS, short=True)) == list(VARIANTS)


def test_what_was_not_chosen_does_not_run_again() -> None:
    named = list(variants.chosen(["flink:common", "bellwether:full"], short=False))
    assert list(variants.runs(named, short=False)) == named


def test_variants_are_chosen_by_name_or_by_name_and_job() -> None:
    named = list(variants.chosen(["flink", "bellwether:full"], short=True))
    assert [(v.name, v.job) for v in named] == [
        ("flink", "common"),
        ("flink", "rolling"),
        ("bellwether", "full"),
    ]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: f"{v.name}-{v.job}")
def test_every_variant_is_told_its_topics_and_how_many_events_there_are(variant: Variant) -> None:
    given = " ".join(variants.command(variant, PLACE))
    assert "127.0.0.1:9" in given
    assert "1006" in given
    assert variant.job in given


def test_a_python_variant_gets_its_settings_as_json() -> None:
    ours = next(v for v in VARIANTS if (v.name, v.job) == ("bellwether", "rolling"))
    settings = json.loads(variants.command(ours, PLACE)[-1])
    assert settings["source"] == "events"
    assert settings["job"] == "rolling"
