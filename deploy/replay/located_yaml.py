"""YAML that remembers the line of every key."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from deploy.replay.errors import MappingError, Problem

MAX_BYTES: Final = 1 << 20


class LocatedYaml:
    """A YAML document: its plain ``value``, and `line` for any place in it.

    Raises `MappingError` for text that is no YAML, is too large, or says a key twice.
    """

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        if len(text.encode()) > MAX_BYTES:
            raise MappingError([self._problem(1, "mapping", "is over 1 MiB: split it")])
        try:
            self._root = yaml.compose(text, Loader=yaml.SafeLoader)
            self.value: Any = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise MappingError([self._problem(line, "yaml", str(error.problem))]) from error
        except yaml.YAMLError as error:
            raise MappingError([self._problem(1, "yaml", str(error))]) from error
        repeated = self._repeated_keys(self._root, set())
        if repeated:
            raise MappingError(repeated)

    def line(self, place: Sequence[str | int]) -> int:
        """The line of the deepest part of ``place`` that the document holds (from 1)."""
        return self._locate(place)[1]

    def key(self, place: Sequence[str | int]) -> str:
        """The dotted name of the part of ``place`` that the document holds, and its last part."""
        return self._locate(place)[0] or "mapping"

    def _locate(self, place: Sequence[str | int]) -> tuple[str, int]:
        node, line, names = self._root, 1, ""
        for part in place:
            found = _child(node, part)
            if found is None:
                continue  # Pydantic names the branch of a union too: the document does not
            node, line = found
            names += f"[{part}]" if isinstance(part, int) else f".{part}" if names else str(part)
        return names, line

    def _repeated_keys(self, node: yaml.Node | None, visited: set[int]) -> list[Problem]:
        problems: list[Problem] = []
        if id(node) in visited:
            return problems  # an anchor may be used many times, and may even hold itself
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for item in node.value:
                problems.extend(self._repeated_keys(item, visited))
        if not isinstance(node, yaml.MappingNode):
            return problems
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                problems.append(
                    self._problem(line, key.value, "is said twice here: keep one of them")
                )
            seen.add(key.value)
            problems.extend(self._repeated_keys(value, visited))
        return problems

    def _problem(self, line: int, key: str, message: str) -> Problem:
        return Problem(self.file, line, key, message)


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    return None
