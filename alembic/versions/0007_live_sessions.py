"""live sessions

Revision: 0007, after 0008.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0007"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "live_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("workspace_id", sa.BigInteger(), nullable=False),
        sa.Column("meeting_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default="live", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("active_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("draft_revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("speakers_version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_cached", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("status IN ('live', 'ending', 'ended')", name=op.f("ck_live_sessions_status")),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=op.f("fk_live_sessions_meeting_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_live_sessions_workspace_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_sessions")),
    )
    op.create_index("ix_live_sessions_meeting_id", "live_sessions", ["meeting_id"], unique=False)
    op.create_index("ix_live_sessions_workspace_id", "live_sessions", ["workspace_id"], unique=False)
    op.create_index(
        "uq_live_sessions_open",
        "live_sessions",
        ["meeting_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'ended'"),
    )
    op.create_table(
        "live_drafts",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["live_sessions.id"], name=op.f("fk_live_drafts_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "user_id", "seq", name=op.f("pk_live_drafts")),
    )
    op.create_table(
        "live_fingerprints",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("transcription", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["live_sessions.id"], name=op.f("fk_live_fingerprints_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_fingerprints")),
    )
    op.create_index("ix_live_fingerprints_expires_at", "live_fingerprints", ["expires_at"], unique=False)
    op.create_index("uq_live_fingerprints_fingerprint", "live_fingerprints", ["session_id", "fingerprint"], unique=True)
    op.create_table(
        "live_segments",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["live_sessions.id"], name=op.f("fk_live_segments_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "position", name=op.f("pk_live_segments")),
    )
    op.create_index(
        "uq_live_segments_seq", "live_segments", ["session_id", "user_id", "seq", "connection_id"], unique=True
    )
    op.create_table(
        "live_speakers",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("is_heard", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["live_sessions.id"], name=op.f("fk_live_speakers_session_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("session_id", "label", name=op.f("pk_live_speakers")),
    )
    op.create_table(
        "live_tickets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("sign_in_id", sa.BigInteger(), nullable=True),
        sa.Column("api_key_id", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("fk_live_tickets_api_key_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["live_sessions.id"], name=op.f("fk_live_tickets_session_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sign_in_id"], ["sign_ins.id"], name=op.f("fk_live_tickets_sign_in_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_live_tickets_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_live_tickets")),
    )
    op.create_index("ix_live_tickets_expires_at", "live_tickets", ["expires_at"], unique=False)
    op.create_table(
        "live_landmarks",
        sa.Column("session_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("fingerprint_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["fingerprint_id"],
            ["live_fingerprints.id"],
            name=op.f("fk_live_landmarks_fingerprint_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "hash", "fingerprint_id", "step", name=op.f("pk_live_landmarks")),
    )
    op.create_index("ix_live_landmarks_fingerprint_id", "live_landmarks", ["fingerprint_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_live_landmarks_fingerprint_id", table_name="live_landmarks")
    op.drop_table("live_landmarks")
    op.drop_index("ix_live_tickets_expires_at", table_name="live_tickets")
    op.drop_table("live_tickets")
    op.drop_table("live_speakers")
    op.drop_index("uq_live_segments_seq", table_name="live_segments")
    op.drop_table("live_segments")
    op.drop_index("uq_live_fingerprints_fingerprint", table_name="live_fingerprints")
    op.drop_index("ix_live_fingerprints_expires_at", table_name="live_fingerprints")
    op.drop_table("live_fingerprints")
    op.drop_table("live_drafts")
    op.drop_index("uq_live_sessions_open", table_name="live_sessions", postgresql_where=sa.text("status <> 'ended'"))
    op.drop_index("ix_live_sessions_workspace_id", table_name="live_sessions")
    op.drop_index("ix_live_sessions_meeting_id", table_name="live_sessions")
    op.drop_table("live_sessions")
