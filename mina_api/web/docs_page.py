"""The docs page, whose scripts and styles come from this machine: no page of ours asks another host for anything."""

import base64
import hashlib
import re
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html, get_swagger_ui_oauth2_redirect_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

DOCS = "/docs"
ASSETS = f"{DOCS}/assets"
REDIRECT = f"{DOCS}/oauth2-redirect"
_INLINE_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)


def install(app: FastAPI) -> None:
    """Serve the page at /docs, in the place of FastAPI's own."""
    app.mount(ASSETS, StaticFiles(directory=Path(fastapi_offline.__file__).parent / "static"), name="docs assets")

    @app.get(DOCS, include_in_schema=False)
    async def get_docs_page(request: Request) -> HTMLResponse:
        """Swagger UI over this application's contract."""
        root = request.scope.get("root_path", "")
        page = get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            oauth2_redirect_url=f"{root}{REDIRECT}",
            swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{root}{ASSETS}/favicon.png",
        )
        return _guarded(page)

    @app.get(REDIRECT, include_in_schema=False)
    async def get_oauth2_redirect() -> HTMLResponse:
        """Where Swagger UI's Authorize comes back to."""
        return _guarded(get_swagger_ui_oauth2_redirect_html())


def _guarded(page: HTMLResponse) -> HTMLResponse:
    """`page`, which runs no script but its own, and asks nobody but us (CSP Level 3); Swagger UI styles as it likes."""
    digests = (hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(bytes(page.body)))
    scripts = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    page.headers["Content-Security-Policy"] = (
        f"default-src 'none'; script-src 'self' {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return page
