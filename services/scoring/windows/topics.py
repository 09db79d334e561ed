"""The topics of the windows role: those of the registry, unless a test has its own."""

from __future__ import annotations

from typing import Final, NamedTuple

from shared.contracts.topics import BREACHES, PANES, SCORES, Topic


class WindowsTopics(NamedTuple):
    """What is read, and what is written."""

    panes: Topic
    scores: Topic
    breaches: Topic


REGISTERED: Final = WindowsTopics(PANES, SCORES, BREACHES)
