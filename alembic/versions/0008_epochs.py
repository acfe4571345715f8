"""which server of Redis answers are kept in, and who has a lease under it

Revision: 0008, after 0006.
"""

from collections.abc import Sequence

import sqlalchemy as sa

from alembic import op

revision: str = "0008"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "cache_epoch",
        sa.Column("is_only", sa.Boolean(), nullable=False),
        sa.Column("reign", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.CheckConstraint("is_only", name=op.f("ck_cache_epoch_is_only")),
        sa.PrimaryKeyConstraint("is_only", name=op.f("pk_cache_epoch")),
    )
    op.add_column("cache_processes", sa.Column("epoch", sa.Text()))


def downgrade() -> None:
    op.drop_column("cache_processes", "epoch")
    op.drop_table("cache_epoch")
