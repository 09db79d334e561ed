"""Rule sets from YAML files; every mistake is named with its file, line and key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from services.scoring.core.rules import RuleHistory, RuleSet
from services.scoring.rule_document import RuleDocument

TEMPLATE: Final = Path(__file__).parent / "templates" / "default.yaml"
_SUFFIXES: Final = (".yaml", ".yml")
_MAX_BYTES: Final = 1 << 20
_LATER_KEYS: Final = (
    "at_risk_share",
    "surveys",
    "currency",
    "allocated_cost_minor_per_ticket",
)
"""Keys that rule sets did not have at first: they count only where they say something else than
their default, so that the digests of the versions before them stay."""
_ADVICE: Final = {
    "missing": "is required: add it",
    "extra_forbidden": "is no key of a rule set: remove it or correct its spelling",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong in a rule file."""

    file: Path
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key}: {self.message}"


class RuleFileError(ValueError):
    """A rule file cannot be used; ``mistakes`` lists everything that is wrong with it."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, mistakes)))


def load_rules(path: Path | None) -> RuleHistory:
    """All versions in a YAML file or a directory of them; None is the packaged template.

    Raises `RuleFileError`.
    """
    loaded = [_load(file) for file in _files(path or TEMPLATE)]
    try:
        return RuleHistory(
            (rules for rules, _ in loaded), {rules.version: digest for rules, digest in loaded}
        )
    except ValueError as error:
        raise RuleFileError([Mistake(path or TEMPLATE, 1, "version", str(error))]) from error


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    files = sorted(file for file in path.glob("*") if file.suffix in _SUFFIXES)
    if not files:
        message = "holds no rule set: name a YAML file, or a directory with *.yaml files"
        raise RuleFileError([Mistake(path, 1, "rules", message)])
    return files


def _load(file: Path) -> tuple[RuleSet, str]:
    text = _text(file)
    root = _compose(file, text)
    repeated = list(_repeated(file, root))
    if repeated:
        raise RuleFileError(repeated)
    try:
        document = RuleDocument.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        raise RuleFileError([_mistake(file, root, detail) for detail in found]) from error
    return document.rule_set(), digest_of(document)


def digest_of(document: RuleDocument) -> str:
    """SHA-256 of the rules' content, whatever their layout and comments."""
    fields = RuleDocument.model_fields
    unused = {key for key in _LATER_KEYS if getattr(document, key) == fields[key].default}
    dump = document.model_dump(mode="json", exclude=unused)
    content = json.dumps(dump, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()


def _text(file: Path) -> str:
    try:
        content = file.read_bytes()
        if len(content) > _MAX_BYTES:
            raise RuleFileError([Mistake(file, 1, "rules", "is over 1 MiB: split it")])
        return content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise RuleFileError([Mistake(file, 1, "rules", f"cannot be read: {error}")]) from error


def _compose(file: Path, text: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        message = getattr(error, "problem", None) or str(error)
        raise RuleFileError([Mistake(file, line, "yaml", message)]) from error


def _repeated(file: Path, node: yaml.Node | None) -> Iterator[Mistake]:
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(file, item)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                line = key.start_mark.line + 1
                yield Mistake(file, line, key.value, "is said twice: keep one of them")
            seen.add(key.value)
            yield from _repeated(file, value)


def _mistake(file: Path, root: yaml.Node | None, detail: ErrorDetails) -> Mistake:
    line, key = _locate(root, detail["loc"])
    message = _ADVICE.get(detail["type"], detail["msg"].removeprefix("Value error, "))
    return Mistake(file, line, key, message)


def _locate(node: yaml.Node | None, place: Sequence[str | int]) -> tuple[int, str]:
    """The line of the deepest part of ``place`` that the file holds, and its dotted name."""
    line, names = 1, ""
    for depth, part in enumerate(place):
        child = _child(node, part)
        if child is not None:
            node, line = child
        elif depth < len(place) - 1 or _is_scalar(node):
            continue  # Pydantic names the branch of a union too: the file does not hold it
        names += f"[{part}]" if isinstance(part, int) else f".{part}" if names else str(part)
    return line, names or "rules"


def _is_scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _child(node: yaml.Node | None, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return value, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item, item.start_mark.line + 1
    return None
