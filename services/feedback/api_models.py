"""What callers send to feedback."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from shared.contracts.fields import NAME_LENGTH, NAME_PATTERN, TEXT_LENGTH

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


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, regex_engine="python-re")


class Publishing(_Body):
    """Somebody publishes a period."""

    actor: Actor


class Acknowledgement(_Body):
    """The employee has seen the result."""

    actor: Actor


class NewComment(_Body):
    """Something to say about a result; ``@name`` or ``@"a name"`` speaks to somebody."""

    actor: Actor
    text: Annotated[str, Field(max_length=TEXT_LENGTH, examples=["@li.na well done"])]

    @field_validator("text")
    @classmethod
    def _says_something(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("must say something")
        return value
