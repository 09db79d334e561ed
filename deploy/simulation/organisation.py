"""The organisation that is simulated: departments, teams, people, and how they work."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from deploy.replay.errors import FileError, MappingError
from deploy.replay.loading import located
from deploy.replay.located_yaml import LocatedYaml
from deploy.replay.mapping import Zone

DEFAULT_FILE: Final = Path(__file__).with_name("organisation.yaml")
P90_SIGMAS: Final = 1.2815515655446004
"""The 90th percentile of a normal distribution, in standard deviations."""

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Delay(_Part):
    """A log-normal delay in seconds, said by its median and its 90th percentile."""

    median: Annotated[float, Field(gt=0)]
    p90: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _ordered(self) -> Delay:
        if self.p90 <= self.median:
            raise ValueError("needs a p90 over its median")
        return self

    @property
    def mu(self) -> float:
        return math.log(self.median)

    @property
    def sigma(self) -> float:
        return math.log(self.p90 / self.median) / P90_SIGMAS


class Team(_Part):
    """People who share a queue. ``hours`` is the shift, [from, to) in local hours; a shift may
    pass midnight."""

    hours: Annotated[list[Annotated[int, Field(ge=0, le=24)]], Field(min_length=2, max_length=2)]
    employees: Annotated[list[Name], Field(min_length=1)]

    def on_duty(self, hour: int) -> bool:
        start, end = self.hours
        return start <= hour < end if start < end else hour >= start or hour < end


class Department(_Part):
    """How a department works. Shares are probabilities per ticket."""

    share: Weight = Field(description="Part of all tickets, beside the other departments' shares")
    peak_hours: list[Annotated[int, Field(ge=0, le=23)]] = Field(
        default_factory=list, description="Local hours with twice the demand"
    )
    channels: Annotated[dict[Name, Weight], Field(min_length=1)]
    categories: Annotated[dict[Name, Weight], Field(min_length=1)]
    first_response: Delay
    resolution: Delay = Field(description="From the first response")
    satisfied: Share = Field(description="Answers of 4 or 5, when nothing is wrong")
    answering: Share = 0.35
    transferred: Share = 0.08
    waiting: Share = 0.15
    reopened: Share = 0.05
    complaining: Share = 0.012
    bot: Share = 0.0
    teams: Annotated[dict[Name, Team], Field(min_length=1)]


class Organisation(_Part):
    """A whole organisation."""

    zone: Zone = "Asia/Shanghai"
    departments: Annotated[dict[Name, Department], Field(min_length=1)]


def load_organisation(file: Path = DEFAULT_FILE) -> Organisation:
    """Read an organisation from YAML; raises `MappingError` with lines, or `FileError`."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"{file}: cannot be read: {error.strerror}") from error
    document = LocatedYaml(file, text)
    try:
        return Organisation.model_validate(document.value)
    except ValidationError as error:
        raise MappingError(located(document, error)) from error
