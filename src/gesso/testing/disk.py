"""What outlives a server in tests: committed rows and bytes, in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from gesso.domain.event import Recorded
from gesso.domain.file import File
from gesso.domain.task import Task


@dataclass(slots=True)
class Disk:
    """`trouble`: why it refuses writes now; empty when it takes them. `read_trouble`: the same of reads. `bytes_of`: a file system in
    one dictionary."""

    tasks: dict[int, Task] = field(default_factory=dict)
    events: dict[int, list[Recorded]] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    charges: dict[int, Decimal] = field(default_factory=dict)
    notices: dict[int, str] = field(default_factory=dict)
    bytes_of: dict[Path, bytes] = field(default_factory=dict)
    trouble: str = ""
    read_trouble: str = ""
