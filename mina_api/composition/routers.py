"""Every router of the application, in the order in which a path is looked for."""

from mina_api.analytics.routes import router as analytics_router
from mina_api.auth.routes import router as auth_router
from mina_api.meetings.routes import router as meetings_router
from mina_api.meetings.tasks.routes import router as tasks_router
from mina_api.ops import dashboard, health
from mina_api.ops.experiments import router as experiments_router
from mina_api.ops.log_routes import router as log_levels_router
from mina_api.ops.metrics import router as metrics_router
from mina_api.ops.routes import operations_router
from mina_api.ops.routes import router as ops_router
from mina_api.sessions.fingerprints.routes import router as fingerprints_router
from mina_api.sessions.page.routes import router as page_router
from mina_api.sessions.routes import router as sessions_router
from mina_api.sessions.socket import router as live_router
from mina_api.transcripts.routes import router as transcripts_router
from mina_api.web.routing import Router
from mina_api.workspaces.routes import router as workspaces_router

ROUTERS: tuple[Router, ...] = (
    auth_router,
    meetings_router,
    tasks_router,
    transcripts_router,
    sessions_router,
    fingerprints_router,
    live_router,
    page_router,
    analytics_router,
    workspaces_router,
    ops_router,
    log_levels_router,
    operations_router,
    metrics_router,
    experiments_router,
    dashboard.router,
    health.router,
)
