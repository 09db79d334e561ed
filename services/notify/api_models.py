"""What callers send to notify."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.fields import NAME_LENGTH, NAME_PATTERN

Actor = Annotated[
    str,
    Field(
        min_length=1,
        max_length=NAME_LENGTH,
        pattern=NAME_PATTERN,
        description="Who does it",
        examples=["li.na"],
    ),
]
StateFilter = Literal["open", "acknowledged", "resolved", "active", "all"]
STATES: dict[StateFilter, tuple[str, ...]] = {
    "open": ("open",),
    "acknowledged": ("acknowledged",),
    "resolved": ("resolved",),
    "active": ("open", "acknowledged"),
    "all": ("open", "acknowledged", "resolved"),
}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")


class Acknowledgement(_Body):
    """Somebody takes care of an alert."""

    actor: Actor
    note: Annotated[str, Field(max_length=1000)] | None = None


class NewEndpoint(_Body):
    """A URL that is to be told of every alert."""

    url: Annotated[str, Field(max_length=2000, examples=["https://ops.example.com/hooks/alerts"])]
    actor: Actor
    description: Annotated[str, Field(max_length=500)] = ""


class Enabling(_Body):
    """An endpoint that was switched off is to be used again."""

    actor: Actor
