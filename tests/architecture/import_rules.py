"""An import-linter contract: packages that may import these and nothing else.

import-linter has lists of what is forbidden; for a pure core a list of what is allowed is shorter,
and nothing new gets past it.
"""

import sys
from collections.abc import Iterator, Set
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Violation = tuple[str, str, int]
"""Importing module, imported module, line."""


class PureContract(Contract):
    """`packages` import themselves, `allowed` modules, and the standard library without `impure`.

    Each of `packages` may be a wildcard expression (`services.*.core`). Only direct imports count:
    whatever is allowed answers for its own.
    """

    # import-linter replaces each field by its value in the instance
    packages: Any = fields.SetField(subfield=fields.ModuleExpressionField())
    allowed: Any = fields.SetField(subfield=fields.StringField(), required=False)
    impure: Any = fields.SetField(subfield=fields.StringField(), required=False)

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = sorted(self._violations(graph))
        return ContractCheck(kept=not found, metadata={"violations": found})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for importer, imported, line in check.metadata["violations"]:
            output.print_error(f"{importer} imports {imported} (line {line})", bold=False)

    def _violations(self, graph: ImportGraph) -> Iterator[Violation]:
        for expression in self.packages:
            for package in graph.find_matching_modules(expression.expression):
                yield from self._violations_of(package, graph)

    def _violations_of(self, package: str, graph: ImportGraph) -> Iterator[Violation]:
        for importer in {package} | graph.find_descendants(package):
            for imported in graph.find_modules_directly_imported_by(importer):
                if not self._may_import(package, imported):
                    details = graph.get_import_details(importer=importer, imported=imported)
                    yield importer, imported, details[0]["line_number"]

    def _may_import(self, package: str, imported: str) -> bool:
        if is_within(imported, self.impure or set()):
            return False
        if imported.partition(".")[0] in sys.stdlib_module_names:
            return True
        return is_within(imported, {package, *(self.allowed or ())})


def is_within(module: str, packages: Set[str]) -> bool:
    """Say whether `module` is one of `packages` or lies below one."""
    return any(module == package or module.startswith(f"{package}.") for package in packages)
