"""The invalidation outbox: tags to invalidate, written in the transaction of the write itself.

A row is deleted once its tags have new tokens in Redis; while Redis is away, rows wait (DESIGN section 3).
"""

from sqlalchemy import ARRAY, Text
from sqlalchemy.orm import Mapped, mapped_column

from mina_api.db.base import Base, BigId, CreatedAt


class OutboxRow(Base):
    """Tags that one committed write invalidates and that Redis has not yet been told of."""

    __tablename__ = "invalidation_outbox"

    id: Mapped[BigId]
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[CreatedAt]
