"""The table of users."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the table."""
    user_key = sa.String(1024).with_variant(sa.String(1024, collation="C"), "postgresql")
    op.create_table(
        "users",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user_key", user_key, nullable=False),
        sa.Column("user_name", sa.String(256), nullable=False),
        sa.Column("first_name", sa.String(256), nullable=False),
        sa.Column("last_name", sa.String(256), nullable=False),
        sa.Column("email", sa.String(320), nullable=False),
        sa.Column("domain", sa.String(256), nullable=False),
        sa.Column("language", sa.String(64), nullable=False),
        sa.Column("read_only", sa.Boolean, nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("password_hash", sa.String(512)),
        sa.Column("security_stamp", sa.BigInteger, nullable=False),
        sa.Column("last_logon", sa.Double),
        sa.Column("last_password_change", sa.Double),
        sa.UniqueConstraint("user_key", name="uq_users_user_key"),
        sqlite_autoincrement=True,
    )
