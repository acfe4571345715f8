"""What action items look like over HTTP."""

from typing import Annotated, Self

from pydantic import BaseModel, Field, StrictBool, StringConstraints, model_validator
from pydantic.json_schema import SkipJsonSchema

from mina_api.meetings.models import Task
from mina_api.meetings.schemas import Title
from mina_api.web.text import STORABLE
from mina_api.web.times import Day, Moment

Assignee = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), STORABLE, Field(examples=["Ada"])
]


class TaskFields(BaseModel):
    """What a client says of a task."""

    title: Title = Field(examples=["Send the minutes"])
    assignee: Assignee | None = None
    due_on: Day | None = Field(None, examples=["2026-12-01"])
    done: StrictBool = Field(False, examples=[False])


class TaskChange(BaseModel):
    """Some of a task's fields; those that are absent stay as they are."""

    title: Title | SkipJsonSchema[None] = Field(None, examples=["Send the minutes"])
    assignee: Assignee | None = None
    due_on: Day | None = None
    done: StrictBool | SkipJsonSchema[None] = None

    @model_validator(mode="after")
    def _nothing_required_is_null(self) -> Self:
        for name in ("title", "done"):
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} must not be null")
        return self


class TaskDetail(BaseModel):
    """A task as it is stored."""

    id: int = Field(examples=[9])
    meeting_id: int = Field(examples=[42])
    title: str = Field(examples=["Send the minutes"])
    assignee: str | None = Field(examples=["Ada"])
    due_on: Day | None
    done: bool
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, task: Task) -> Self:
        """The representation of `task`."""
        return cls.model_validate(task, from_attributes=True)
