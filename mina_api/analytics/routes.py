"""`/api/analytics`: a meeting's measures, and a workspace's."""

from mina_api.analytics import service
from mina_api.analytics.engagement import engagement
from mina_api.analytics.overview import overview
from mina_api.analytics.periods import Days, Period, TimeZone, today_in_zone
from mina_api.analytics.rollups import store_rollup
from mina_api.analytics.schemas import Dashboard, Engagement, MeetingAnalytics, Overview
from mina_api.auth.dependencies import Editor, Viewer
from mina_api.auth.idempotency import Repeatable
from mina_api.cache.fastapi import Invalidation, cache_response
from mina_api.cache.tags import meeting_tag, scope_tag
from mina_api.meetings.caching import meeting_of_path
from mina_api.meetings.routes import MeetingId
from mina_api.meetings.service import get_meeting, lock_meeting
from mina_api.transcripts.queries import read_utterances
from mina_api.web.clock import Now
from mina_api.web.dependencies import ReadsAtLeisure, UnitOfWork
from mina_api.web.idempotency import IdempotentRoute
from mina_api.web.openapi import responses
from mina_api.web.routing import Router

router = Router(prefix="/api/analytics", tags=["Analytics"], route_class=IdempotentRoute)


@router.get("/meetings/{meeting_id}", summary="Measure a meeting", responses=responses(401, 404, 422, 503))
@cache_response(ttl=3600, prefix="analytics", same_in_scope=True, tags=[meeting_of_path])
async def get_meeting_analytics(meeting_id: MeetingId, viewer: Viewer, reads: ReadsAtLeisure) -> MeetingAnalytics:
    """Who talked how long, who interrupted, how even it was: over the meeting's transcript."""
    async with reads() as session:
        meeting = await get_meeting(session, viewer.workspace_id, meeting_id)
        return await service.meeting_analytics(session, meeting)


@router.get("/dashboard", summary="The last days at a glance", responses=responses(401, 422, 503))
@cache_response(ttl=600, prefix="analytics", same_in_scope=True, vary={"today": today_in_zone})
async def get_dashboard_analytics(
    viewer: Viewer, reads: ReadsAtLeisure, now: Now, days: Days = 7, tz: TimeZone = "UTC"
) -> Dashboard:
    """Meetings per day, busiest hours, who talked most, the latest meetings and the tasks that are due."""
    async with reads() as session:
        return await service.dashboard(session, viewer.workspace_id, Period.ending_today(tz, now(), days))


@router.get("/overview", summary="A period and the one before", responses=responses(401, 422, 503))
@cache_response(ttl=1800, prefix="analytics", same_in_scope=True, vary={"today": today_in_zone})
async def get_overview_analytics(
    viewer: Viewer, reads: ReadsAtLeisure, now: Now, days: Days = 30, tz: TimeZone = "UTC"
) -> Overview:
    """Meetings, hours, people, words and tasks of a period, and how that differs from the period before."""
    async with reads() as session:
        return await overview(session, viewer.workspace_id, Period.ending_today(tz, now(), days))


@router.get("/engagement", summary="How meetings went", responses=responses(401, 422, 503))
@cache_response(ttl=1800, prefix="analytics", same_in_scope=True, vary={"today": today_in_zone})
async def get_engagement_analytics(
    viewer: Viewer, reads: ReadsAtLeisure, now: Now, days: Days = 30, tz: TimeZone = "UTC"
) -> Engagement:
    """Who dominates, how even it is, how much overlaps: averages of the meetings' own ratios."""
    async with reads() as session:
        return await engagement(session, viewer.workspace_id, Period.ending_today(tz, now(), days))


@router.post(
    "/meetings/{meeting_id}/process", summary="Measure a meeting anew", responses=responses(401, 403, 404, 422, 503)
)
async def process_meeting_analytics(
    meeting_id: MeetingId, editor: Editor, _: Repeatable, session: UnitOfWork, invalidation: Invalidation
) -> MeetingAnalytics:
    """The meeting's measures, computed from its transcript again."""
    meeting = await lock_meeting(session, editor.workspace_id, meeting_id, None)
    utterances = await read_utterances(session, meeting_id)
    await store_rollup(session, meeting_id=meeting_id, workspace_id=editor.workspace_id, utterances=utterances)
    invalidation.add(meeting_tag(meeting_id), scope_tag(f"ws:{editor.workspace_id}", "analytics"))
    return await service.meeting_analytics(session, meeting)
