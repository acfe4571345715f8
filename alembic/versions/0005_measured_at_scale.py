"""what 10,000 meetings need: duration and the top speaker's talk as columns, an index for every order of the list

Revision: 0005, after 0004.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = {
    "ix_meetings_workspace_status": ("workspace_id", "status", sa.text("occurs_at DESC"), sa.text("id DESC")),
    "ix_meetings_workspace_created_at": ("workspace_id", "created_at", "id"),
    "ix_meetings_workspace_updated_at": ("workspace_id", "updated_at", "id"),
    "ix_meetings_workspace_title": ("workspace_id", sa.text("lower(title)"), "id"),
}


DURATION = (
    "CASE WHEN started_at IS NOT NULL AND ended_at IS NOT NULL"
    " THEN round(extract(epoch FROM ended_at - started_at) * 1000)::bigint ELSE last_end_ms END"
)


def upgrade() -> None:
    op.add_column("meetings", sa.Column("duration_ms", sa.BigInteger(), sa.Computed(DURATION, persisted=True)))
    op.drop_index("ix_meetings_workspace_occurs_at", table_name="meetings")
    op.create_index(
        "ix_meetings_workspace_occurs_at",
        "meetings",
        ["workspace_id", sa.text("occurs_at DESC"), sa.text("id DESC")],
        postgresql_include=["duration_ms", "status"],
    )
    op.add_column("meeting_rollups", sa.Column("top_talk_ms", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE meeting_rollups SET top_talk_ms = COALESCE((SELECT max(talk_ms) FROM speaker_rollups"
        " WHERE speaker_rollups.meeting_id = meeting_rollups.meeting_id), 0)"
    )
    op.alter_column("meeting_rollups", "top_talk_ms", nullable=False)
    for name, columns in INDEXES.items():
        op.create_index(name, "meetings", list(columns), unique=False)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, table_name="meetings")
    op.drop_column("meeting_rollups", "top_talk_ms")
    op.drop_index("ix_meetings_workspace_occurs_at", table_name="meetings")
    op.create_index(
        "ix_meetings_workspace_occurs_at", "meetings", ["workspace_id", sa.text("occurs_at DESC"), sa.text("id DESC")]
    )
    op.drop_column("meetings", "duration_ms")
