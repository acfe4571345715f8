"""What a request can name of a tenant's, and what it can say that is nobody's.

Whatever the OpenAPI document lets a request say is in one of these tables, or the walk does not begin: somebody has to
say whether a new parameter names something that is a tenant's.
"""

from tests.security.tenants.contract import Operation

# Parameters of paths and queries, and fields of bodies, that name what is a tenant's.
NAMES_SOMETHING = frozenset(
    (
        *("meeting_id", "task_id", "session_id", "workspace_id", "user_id", "api_key_id", "fingerprint", "label"),
        *("key", "tag", "q", "match", "username"),
    )
)
# Those that say the same whoever is asked about; in a query no value is the default, so that no two queries are one.
FREE_IN_PATHS = {"prefix": "speaker", "logger": "mina_api.cache"}
FREE_IN_QUERIES = {
    "days": "9",
    "tz": "Europe/Berlin",
    "status": "completed",
    "from": "2026-11-01T00:00:00Z",
    "to": "2027-01-01T00:00:00Z",
    "sort": "title",
    "page": "1",
    "per_page": "7",
    "format": "vtt",
    "prefix": "session",
    "cursor": "0",
    "limit": "9",
    "concurrency": "2",
}
FREE_IN_BODIES = frozenset(
    (
        *("title", "description", "status", "scheduled_at", "started_at", "ended_at", "tags", "participants"),
        *("assignee", "due_on", "done", "name", "scope", "expires_in_days", "role", "password", "workspace"),
        *("speakers", "transcription", "level", "seconds", "grant_type", "client_id", "client_secret"),
        # That an address has an account is told to whoever knows it (docs/security.md); a refresh token is its
        # holder's, whoever that is. Neither is tried with what is another's; each has tests of its own.
        *("email", "refresh_token"),
    )
)
HEADERS = frozenset(("if-none-match", "if-match", "idempotency-key"))
# Formats that belong to the file that is sent, not to the answer.
SENT_FORMAT = frozenset(("replace_transcript",))


def without_material(operation: Operation) -> list[str]:
    """What an operation takes that no table has."""
    known = {
        "path": (operation.path_names, NAMES_SOMETHING | FREE_IN_PATHS.keys()),
        "query": (operation.query_names, NAMES_SOMETHING | FREE_IN_QUERIES.keys()),
        "header": (operation.header_names, HEADERS),
        "body": (operation.fields, NAMES_SOMETHING | FREE_IN_BODIES),
    }
    return [
        f"{operation.name}: {place} {name}"
        for place, (names, table) in known.items()
        for name in names
        if name not in table
    ]
