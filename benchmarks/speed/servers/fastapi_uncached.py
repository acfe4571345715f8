"""FastAPI as it is without a cache: the page is made of its rows for every request. No database is asked."""

from typing import Any

from benchmarks.speed.servers.fastapi_app import Page, User, an_app
from benchmarks.speed.servers.page import page_of

app = an_app()


@app.get("/page", response_model=Page)
async def get_page(user: User, page: int = 1) -> Any:
    """A page."""
    return page_of(page)
