"""Pages of a list: `page` from 1, `per_page` from 1 to 100."""

from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageParams:
    """Which page of how many items."""

    page: int
    per_page: int

    @property
    def offset(self) -> int:
        """How many items come before the page."""
        return (self.page - 1) * self.per_page


async def get_page_params(
    page: Annotated[int, Query(ge=1, le=1_000_000, description="the page, from 1")] = 1,
    per_page: Annotated[int, Query(ge=1, le=100, description="items of a page")] = 20,
) -> PageParams:
    """The page that a request asks for."""
    return PageParams(page, per_page)


Paging = Annotated[PageParams, Depends(get_page_params)]


class Page(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    page: int = Field(examples=[1])
    per_page: int = Field(examples=[20])
    total: int = Field(examples=[42], description="items in all")
    pages: int = Field(examples=[3], description="pages in all")

    @classmethod
    def of(cls, items: list[T], params: PageParams, total: int) -> "Page[T]":
        """The page that `params` asked for, of `total` items."""
        return cls(
            items=items, page=params.page, per_page=params.per_page, total=total, pages=-(-total // params.per_page)
        )
