"""The bytes of small Outputs whose files are not flushed yet."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "carried",
        sa.Column("id", Id, primary_key=True),
        sa.Column("access_key", sa.String(64), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
