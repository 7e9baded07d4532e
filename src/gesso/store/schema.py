"""The tables. Times are microseconds since 1970, UTC; amounts are integers of 10^-12 units; documents are JSON text.

Portable between SQLite and PostgreSQL: no statement of this package may use what only one of them has.
"""

from __future__ import annotations

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
)

HEAD = "0001"

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
)

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
    Column("document", Text, nullable=False),
)
Index("tasks_by_project", tasks.c.project_id, tasks.c.id)
Index("tasks_open", tasks.c.id, sqlite_where=tasks.c.is_open == 1, postgresql_where=tasks.c.is_open == 1)

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
    sqlite_with_rowid=False,
)

# One Charge for a Task at most: the primary key refuses a second one, whoever writes it.
charges = Table(
    "charges",
    metadata,
    Column("task_id", Id, primary_key=True, autoincrement=False),
    Column("project_id", Id, nullable=False, index=True),
    Column("amount_pico", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
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
