"""The log in the data folder, on a real disk: whole lines, bounded in all, and no harm to anybody when the disk takes none."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gesso.domain.limits import SERVER_LOG_FILES_MAX_COUNT, SERVER_LOG_MAX_BYTES, SERVER_LOG_WAITING_MAX_COUNT
from gesso.store.log_folder import LogFolder, _Files

UNWRITABLE = "the log cannot be written to its folder"


def write(folder: Path, lines: list[str], file_max_bytes: int = SERVER_LOG_MAX_BYTES) -> list[dict]:
    """What the log itself says while these lines are written."""
    kept = LogFolder(file_max_bytes)
    for line in lines:
        kept.put(line)
    with capture_logs() as said:
        kept.open(folder)
        kept.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "gesso-log"]
    return said


def test_lines_go_behind_those_of_an_earlier_server_and_are_their_owners_alone(tmp_path: Path) -> None:
    write(tmp_path, ["one", "two"])
    write(tmp_path, ["three"])
    assert (tmp_path / "server.log").read_text("utf-8") == "one\ntwo\nthree\n"
    assert (tmp_path / "server.log").stat().st_mode & 0o777 == 0o600


def test_the_folder_is_bounded_and_keeps_the_latest(tmp_path: Path) -> None:
    lines = [f"line {number}" for number in range(1000)]
    assert write(tmp_path, lines, file_max_bytes=200) == []
    files = [tmp_path / "server.log", *(tmp_path / f"server.log.{number}" for number in range(1, SERVER_LOG_FILES_MAX_COUNT))]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert max(path.stat().st_size for path in files) <= 200
    left = "".join(path.read_text("utf-8") for path in reversed(files)).splitlines()
    assert left == lines[-len(left) :]


def test_a_disk_that_is_full_is_told_once_and_hurts_nobody(tmp_path: Path) -> None:
    (tmp_path / "server.log").symlink_to("/dev/full")
    (said,) = write(tmp_path, ["one", "two", "three"])
    assert said["event"] == UNWRITABLE
    assert "No space left" in said["reason"]


def test_a_folder_that_is_gone_is_told_once_and_hurts_nobody(tmp_path: Path) -> None:
    (said,) = write(tmp_path / "gone", ["one", "two"])
    assert said["event"] == UNWRITABLE


def test_what_does_not_fit_in_the_line_is_counted(tmp_path: Path) -> None:
    (said,) = write(tmp_path, ["x"] * (SERVER_LOG_WAITING_MAX_COUNT + 5))
    assert (said["event"], said["count"]) == ("lines are missing in the log's folder", 5)
    assert len((tmp_path / "server.log").read_text("utf-8").splitlines()) == SERVER_LOG_WAITING_MAX_COUNT


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_half_a_line_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    files = _Files(tmp_path / "server.log", SERVER_LOG_MAX_BYTES)
    files.write(b"first")
    with files_of_at_most(9), pytest.raises(OSError, match="No space left"):
        files.write(b"second")
    files.write(b"third")
    files.close()
    assert (tmp_path / "server.log").read_bytes() == b"first\nsec\nthird\n"
