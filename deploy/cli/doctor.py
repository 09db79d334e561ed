"""`bellwether doctor`: what this machine has, what is missing, and the command that mends it."""

import os
from typing import Annotated

import typer

from deploy.cli.options import DEFAULT_DATA_DIR, DataDir
from deploy.local.examination import Finding, Patient, examine
from deploy.local.ports import ports_from

_MARKS = {"ok": ("ok  ", "green"), "hint": ("hint", "yellow"), "bad": ("BAD ", "red")}


def doctor(
    *,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    quiet: Annotated[bool, typer.Option(help="Show only what needs attention.")] = False,
) -> None:
    """Check tools, ports, memory, disk, and the connections to Kafka, Postgres and services.

    Exit code 0 when Bellwether can run, 1 when something must be done first.

    Examples:

        bellwether doctor

        bellwether doctor --quiet

        BELLWETHER_POSTGRES_DSN=postgresql://me@db/bellwether bellwether doctor
    """
    patient = Patient(data_dir.resolve(), ports_from(os.environ), dict(os.environ))
    findings = examine(patient)
    for finding in findings:
        if not quiet or finding.verdict != "ok":
            _show(finding)
    if any(finding.verdict == "bad" for finding in findings):
        raise typer.Exit(1)


def _show(finding: Finding) -> None:
    mark, colour = _MARKS[finding.verdict]
    typer.echo(f"{typer.style(mark, fg=colour)}  {finding.subject:<12} {finding.fact}")
    if finding.advice:
        typer.echo(f"{'':<19}-> {finding.advice}")
