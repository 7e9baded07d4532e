"""The first tables.

Frozen as they were made, not taken from `schema`, which will go on changing.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _create_accounts()
    _create_sessions()
    _create_tasks()
    _create_once_keys()
    _create_provenances()
    _create_files()
    _create_billing()
    _create_notices()
    _create_comments()


def _create_files() -> None:
    op.create_table(
        "files",
        sa.Column("access_key", sa.String(64), primary_key=True),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("task_id", Id, nullable=False, server_default="0"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "file_uses",
        sa.Column("access_key", sa.String(64), nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.PrimaryKeyConstraint("access_key", "task_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "folders",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("parent_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("project_id", "parent_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("access_key", sa.String(64), nullable=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("folder_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("uploads_by_folder", "uploads", ["project_id", "folder_id", "created_at", "id"])


def _create_accounts() -> None:
    op.create_table(
        "projects",
        sa.Column("id", Id, primary_key=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("auth_method", sa.String(16), nullable=False),
        sa.Column("allowed_addresses", sa.Text, nullable=False, server_default="[]"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("description", sa.Text, nullable=False, server_default=""),
        sa.Column("request_count", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("deleted_at", sa.BigInteger, nullable=False, server_default="0"),
    )
    is_deleted = sa.text("deleted_at > 0")
    op.create_index("projects_deleted", "projects", ["id"], sqlite_where=is_deleted, postgresql_where=is_deleted)
    op.create_table(
        "keys",
        sa.Column("id", Id, primary_key=True),
        sa.Column("project_id", Id, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("api_key_sealed", sa.LargeBinary, nullable=False),
        sa.Column("api_secret_sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_index("ix_keys_project_id", "keys", ["project_id"])
    op.create_table(
        "users",
        sa.Column("id", Id, primary_key=True),
        sa.Column("uuid", sa.String(36), nullable=False, unique=True),
        sa.Column("email", sa.Text, nullable=False, unique=True),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("is_admin", sa.Boolean, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("second_factor_sealed", sa.LargeBinary),
        sa.Column("second_factor_step", sa.BigInteger, nullable=False, server_default="0"),
    )


def _create_sessions() -> None:
    op.create_table(
        "memberships",
        sa.Column("project_id", Id, sa.ForeignKey("projects.id"), nullable=False),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "user_id"),
    )
    op.create_index("ix_memberships_user_id", "memberships", ["user_id"])
    op.create_table(
        "sessions",
        sa.Column("id", Id, primary_key=True),
        sa.Column("user_id", Id, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("is_pending", sa.Boolean, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])


def _create_once_keys() -> None:
    op.create_table(
        "once_keys",
        sa.Column("project_id", Id, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("project_id", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_once_keys_created_at", "once_keys", ["created_at"])


def _create_provenances() -> None:
    op.create_table(
        "provenances",
        sa.Column("task_id", Id, primary_key=True, autoincrement=False),
        sa.Column("document", sa.Text, nullable=False),
    )


def _create_tasks() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", Id, primary_key=True, autoincrement=False),
        sa.Column("token", sa.String(64), nullable=False, unique=True),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("dialect", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_open", sa.SmallInteger, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("cost_pico", sa.BigInteger, nullable=False),
        sa.Column("files_kept_since", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("tasks_by_project", "tasks", ["project_id", "id"])
    is_open = sa.text("is_open = 1")
    op.create_index("tasks_open", "tasks", ["project_id", "id"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("tasks_by_model", "tasks", ["project_id", "model", "id"])
    failed = sa.text("state IN ('failed', 'cancelled')")
    op.create_index("tasks_unsuccessful", "tasks", ["project_id", "state", "id"], sqlite_where=failed, postgresql_where=failed)
    has_files = sa.text("files_kept_since > 0")
    op.create_index("tasks_with_files", "tasks", ["files_kept_since"], sqlite_where=has_files, postgresql_where=has_files)
    op.create_table(
        "events",
        sa.Column("task_id", Id, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("task_id", "seq"),
        sqlite_with_rowid=False,
    )


def _create_notices() -> None:
    op.create_table(
        "notices",
        sa.Column("task_id", Id, primary_key=True, autoincrement=False),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
        sa.Column("delivered_at", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("last_error", sa.Text, nullable=False, server_default=""),
    )
    is_due = sa.text("due_at > 0")
    op.create_index("notices_due", "notices", ["due_at", "host", "project_id"], sqlite_where=is_due, postgresql_where=is_due)
    op.create_table(
        "deliveries",
        sa.Column("id", Id, primary_key=True),
        sa.Column("task_id", Id, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("duration_us", sa.BigInteger, nullable=False),
        sa.Column("status", sa.SmallInteger, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("ix_deliveries_task_id", "deliveries", ["task_id"])
    op.create_table(
        "webhook_secrets",
        sa.Column("project_id", Id, sa.ForeignKey("projects.id"), primary_key=True, autoincrement=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )


def _create_billing() -> None:
    op.create_table(
        "balances",
        sa.Column("project_id", Id, primary_key=True, autoincrement=False),
        sa.Column("balance_pico", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("budget_pico", sa.BigInteger),
    )
    op.create_table(
        "entries",
        sa.Column("id", Id, primary_key=True),
        sa.Column("project_id", Id, nullable=False),
        sa.Column("task_id", Id, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount_pico", sa.BigInteger, nullable=False),
        sa.Column("balance_pico", sa.BigInteger, nullable=False),
        sa.Column("cost_pico", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
    )
    op.create_index("entries_by_project", "entries", ["project_id", "id"])
    op.execute("CREATE VIEW charges AS SELECT task_id, project_id, cost_pico AS amount_pico, at FROM entries WHERE kind = 'charge'")
    counters = ("submitted", "succeeded", "failed", "cancelled", "billed_us", "amount_pico", "last_at")
    for name, key in (("usage_days", ("project_id", "day", "model")), ("usage_totals", ("project_id", "model"))):
        types = {"project_id": Id, "day": sa.Integer, "model": sa.Text}
        op.create_table(
            name,
            *(sa.Column(one, types[one], nullable=False) for one in key),
            *(sa.Column(one, sa.BigInteger, nullable=False) for one in counters),
            sa.PrimaryKeyConstraint(*key),
            sqlite_with_rowid=False,
        )


def _create_comments() -> None:
    op.create_table(
        "comments",
        sa.Column("id", Id, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_comments_model", "comments", ["model"])
    op.create_table(
        "reports",
        sa.Column("id", Id, primary_key=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("user_id", Id, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False, server_default="0"),
    )
