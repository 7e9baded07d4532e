"""The tables. Times are microseconds since 1970, UTC; amounts are integers of 10^-12 units; documents are JSON text.

Portable between SQLite and PostgreSQL: no statement of this package may use what only one of them has.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    column,
    literal_column,
    table,
)

HEAD = "0002"

# SQLite gives a row its number only in a column of exactly the type INTEGER.
Id = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

projects = Table(
    "projects",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("auth_method", String(16), nullable=False),
    Column("allowed_addresses", Text, nullable=False, server_default="[]"),
    Column("created_at", BigInteger, nullable=False),
    Column("description", Text, nullable=False, server_default=""),
    Column("request_count", BigInteger, nullable=False, server_default="0"),
    Column("deleted_at", BigInteger, nullable=False, server_default="0"),
)
# A literal, because a partial index serves only queries that repeat its condition, and a bound value could be any.
IS_DELETED = projects.c.deleted_at > literal_column("0")
Index("projects_deleted", projects.c.id, sqlite_where=IS_DELETED, postgresql_where=IS_DELETED)

keys = Table(
    "keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project_id", Id, ForeignKey("projects.id"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("api_key_sealed", LargeBinary, nullable=False),
    Column("api_secret_sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False, server_default="0"),
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("email", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("is_admin", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("second_factor_sealed", LargeBinary),
    Column("second_factor_step", BigInteger, nullable=False, server_default="0"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("project_id", Id, ForeignKey("projects.id"), nullable=False),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("role", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id", "user_id"),
)

# `is_pending`: the password was right, and a second proof is awaited. Tokens are found by their digest and kept nowhere.
sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("is_pending", Boolean, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("created_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("network", Text, nullable=False),
    Column("agent", Text, nullable=False),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    Column("token", String(64), nullable=False, unique=True),
    Column("project_id", Id, nullable=False),
    Column("model", Text, nullable=False),
    Column("dialect", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_open", SmallInteger, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("cost_pico", BigInteger, nullable=False),
    Column("files_kept_since", BigInteger, nullable=False, server_default="0"),
    Column("document", Text, nullable=False),
)
Index("tasks_by_project", tasks.c.project_id, tasks.c.id)
Index("tasks_by_model", tasks.c.project_id, tasks.c.model, tasks.c.id)
# Literals in these, because a partial index serves only queries that repeat its condition, and a bound value could be any.
IS_OPEN = tasks.c.is_open == literal_column("1")
Index("tasks_open", tasks.c.project_id, tasks.c.id, sqlite_where=IS_OPEN, postgresql_where=IS_OPEN)
# Few Tasks end so, and only they pay for the index.
IS_UNSUCCESSFUL = tasks.c.state.in_([literal_column("'failed'"), literal_column("'cancelled'")])
Index(
    "tasks_unsuccessful",
    tasks.c.project_id,
    tasks.c.state,
    tasks.c.id,
    sqlite_where=IS_UNSUCCESSFUL,
    postgresql_where=IS_UNSUCCESSFUL,
)
HAS_OLD_FILES = tasks.c.files_kept_since > literal_column("0")
Index("tasks_with_files", tasks.c.files_kept_since, sqlite_where=HAS_OLD_FILES, postgresql_where=HAS_OLD_FILES)

# Keys of orders that may be sent again; `digest` tells what was ordered.
once_keys = Table(
    "once_keys",
    metadata,
    Column("project_id", Id, nullable=False),
    Column("key", String(255), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("task_id", Id, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    PrimaryKeyConstraint("project_id", "key"),
    sqlite_with_rowid=False,
)

# What Tasks were made with, of those whose Engines can tell.
provenances = Table(
    "provenances",
    metadata,
    Column("task_id", Id, primary_key=True, autoincrement=False),
    Column("document", Text, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("task_id", Id, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    PrimaryKeyConstraint("task_id", "seq"),
    sqlite_with_rowid=False,
)

files = Table(
    "files",
    metadata,
    Column("access_key", String(64), primary_key=True),
    Column("project_id", Id, nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # The Task that it goes with; 0 for an upload, which stays until it is deleted.
    Column("task_id", Id, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

# Tasks that took a stored File for an input. When the File's own Task goes, the File passes to one of them.
file_uses = Table(
    "file_uses",
    metadata,
    Column("access_key", String(64), nullable=False),
    Column("task_id", Id, nullable=False),
    PrimaryKeyConstraint("access_key", "task_id"),
    sqlite_with_rowid=False,
)

# Bytes of small Outputs, until their files are flushed. Numbered, so that rows are added at one end and go from the other.
carried = Table(
    "carried",
    metadata,
    Column("id", Id, primary_key=True),
    Column("access_key", String(64), nullable=False),
    Column("data", LargeBinary, nullable=False),
)

# An empty `parent_id` or `folder_id` is the Project's root.
folders = Table(
    "folders",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("project_id", Id, nullable=False),
    Column("parent_id", String(32), nullable=False),
    Column("name", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    UniqueConstraint("project_id", "parent_id", "name"),
    sqlite_with_rowid=False,
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("access_key", String(64), nullable=False),
    Column("project_id", Id, nullable=False),
    Column("folder_id", String(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("uploads_by_folder", uploads.c.project_id, uploads.c.folder_id, uploads.c.created_at, uploads.c.id)

# What a Project has. Its balance is the sum of its entries; a month's budget of NULL is none.
balances = Table(
    "balances",
    metadata,
    Column("project_id", Id, primary_key=True, autoincrement=False),
    Column("balance_pico", BigInteger, nullable=False, server_default="0"),
    Column("budget_pico", BigInteger),
)

# The ledger, in the order of its ids. One charge for a Task at most: its key refuses a second one, whoever writes it.
entries = Table(
    "entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("project_id", Id, nullable=False),
    Column("task_id", Id, unique=True),
    Column("kind", String(16), nullable=False),
    Column("amount_pico", BigInteger, nullable=False),
    Column("balance_pico", BigInteger, nullable=False),
    Column("cost_pico", BigInteger, nullable=False, server_default="0"),
    Column("at", BigInteger, nullable=False),
    Column("note", Text, nullable=False, server_default=""),
)
Index("entries_by_project", entries.c.project_id, entries.c.id)

# A view of the ledger, for reading: what each Task cost.
charges = table("charges", column("task_id"), column("project_id"), column("amount_pico"), column("at"))


def _counters() -> list[Column[Any]]:
    names = ("submitted", "succeeded", "failed", "cancelled", "billed_us", "amount_pico", "last_at")
    return [Column(name, BigInteger, nullable=False) for name in names]


# `day`: days since 1970, UTC.
usage_days = Table(
    "usage_days",
    metadata,
    Column("project_id", Id, nullable=False),
    Column("day", Integer, nullable=False),
    Column("model", Text, nullable=False),
    *_counters(),
    PrimaryKeyConstraint("project_id", "day", "model"),
    sqlite_with_rowid=False,
)

usage_totals = Table(
    "usage_totals",
    metadata,
    Column("project_id", Id, nullable=False),
    Column("model", Text, nullable=False),
    *_counters(),
    PrimaryKeyConstraint("project_id", "model"),
    sqlite_with_rowid=False,
)

# Webhooks to deliver. One notice for a Task at most, written with its last Event. `due_at` 0: nothing more is to be done.
notices = Table(
    "notices",
    metadata,
    Column("task_id", Id, primary_key=True, autoincrement=False),
    Column("project_id", Id, nullable=False),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("delivered_at", BigInteger, nullable=False, server_default="0"),
    Column("last_error", Text, nullable=False, server_default=""),
)
# Host and project are in it, so that the rows of a receiver that hangs are passed over without being read.
Index(
    "notices_due",
    notices.c.due_at,
    notices.c.host,
    notices.c.project_id,
    sqlite_where=notices.c.due_at > 0,
    postgresql_where=notices.c.due_at > 0,
)

# What came of each try, the latest ones of a notice only.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("task_id", Id, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("error", Text, nullable=False),
    Column("answer", Text, nullable=False),
)

webhook_secrets = Table(
    "webhook_secrets",
    metadata,
    Column("project_id", Id, ForeignKey("projects.id"), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

comments = Table(
    "comments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("model", Text, nullable=False, index=True),
    # No foreign key: what somebody said stays when their account goes.
    Column("user_id", Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

reports = Table(
    "reports",
    metadata,
    Column("id", Id, primary_key=True),
    Column("model", Text, nullable=False),
    Column("user_id", Id, nullable=False),
    Column("text", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("closed_at", BigInteger, nullable=False, server_default="0"),
)
