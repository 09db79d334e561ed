import os
from pathlib import Path

from deploy.local.postgres import reachable

NOBODY = 65534


def test_a_closed_folder_on_the_way_makes_a_path_unreachable(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "inner"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not reachable(inner, NOBODY)


def test_a_folder_of_ones_own_may_be_closed_to_others(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    assert reachable(own, os.geteuid())
    assert not reachable(own, NOBODY)
