"""What is kept is its owner's alone: the data folder and the database, also where an earlier gesso left them open to other users."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

# What makes a folder a data folder.
_SIGN = "secret.key"
_OTHERS = 0o007


def make_data_folder(data: Path) -> None:
    """The folder, for its owner only. One that was there is closed to others where it is nothing but a data folder: where it has the key
    of one. Whom its owner gave a share in it by a group keeps that. Errors: OSError.
    """
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = data.stat()
    if found.st_uid == os.geteuid() and found.st_mode & _OTHERS and (data / _SIGN).exists():
        data.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def make_database_file(path: Path) -> None:
    """An empty database, or one that is there, for its owner only. SQLite gives its log and its index the mode of the database.

    Before the first connection: SQLite would make the file for all to read. One that is there is not opened for this, since closing it
    would drop the locks of every connection of this process. Errors: OSError.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        # SQLite takes the two others away when its last connection is closed.
        with contextlib.suppress(FileNotFoundError):
            found = each.stat()
            if found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) & ~0o600:
                each.chmod(0o600)
