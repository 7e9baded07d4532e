"""What outlives a server in tests: committed rows and bytes, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from gesso.domain.event import Recorded
from gesso.domain.file import File
from gesso.domain.ledger import Entry, EntryKind
from gesso.domain.once import Once
from gesso.domain.price import FREE
from gesso.domain.provenance import Provenance
from gesso.domain.task import Task


@dataclass(slots=True)
class Disk:
    """`trouble`: why it refuses writes now; empty when it takes them. `read_trouble`: the same of reads. `bytes_of`: a file system in
    one dictionary."""

    tasks: dict[int, Task] = field(default_factory=dict)
    events: dict[int, list[Recorded]] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    charges: dict[int, Decimal] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    budgets: dict[int, Decimal] = field(default_factory=dict)
    notices: dict[int, str] = field(default_factory=dict)
    once_keys: dict[tuple[int, str], tuple[Once, int, int]] = field(default_factory=dict)
    provenances: dict[int, Provenance] = field(default_factory=dict)
    bytes_of: dict[Path, bytes] = field(default_factory=dict)
    trouble: str = ""
    read_trouble: str = ""

    def balance(self, project_id: int) -> Decimal:
        return next((entry.balance for entry in reversed(self.entries) if entry.project_id == project_id), FREE)

    def enter(
        self, project_id: int, kind: EntryKind, amount: Decimal, at: int, note: str = "", task_id: int = 0, cost: Decimal = FREE
    ) -> Entry:
        """Add a line to the ledger of a Project."""
        balance = self.balance(project_id) + amount
        entry = Entry(len(self.entries) + 1, project_id, task_id, kind, amount, balance, cost, at, note)
        self.entries.append(entry)
        return entry
