"""What an Engine says that it runs with: stable while nothing changes, another when anything does, and quick the second time."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gesso.models import environment as module
from gesso.models.environment import FolderDigest, code_digest, environment, folder_digest
from gesso.models.heal import engine as heal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "vae").mkdir()
    (tmp_path / "vae" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "model_index.json").write_text("{}")
    return tmp_path


def test_what_can_change_pictures_is_named() -> None:
    found = environment(heal.__file__, ("numpy", "no-such-package"))
    assert list(found) == ["gesso", "code", "python", "processor", "numpy", "no-such-package"]
    assert all(found.values())
    assert found["no-such-package"] == "unknown"


def test_another_line_of_code_is_another_digest(tmp_path: Path) -> None:
    (tmp_path / "engine.py").write_text("a = 1\n")
    before = code_digest(tmp_path)
    assert code_digest(tmp_path) == before
    (tmp_path / "engine.py").write_text("a = 2\n")
    assert code_digest(tmp_path) != before


def test_weights_are_known_by_their_bytes_and_names_alone(folder: Path) -> None:
    before = folder_digest(folder)
    (folder / "README.md").write_text("read me")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "lock").touch()
    os.utime(folder / "model_index.json", ns=(1, 1))
    assert folder_digest(folder) == before
    (folder / "vae" / "model.safetensors").write_bytes(b"Weights")
    assert folder_digest(folder) != before


def test_small_folders_get_no_note(folder: Path) -> None:
    folder_digest(folder)
    assert not (folder / ".digests.json").exists()


def test_a_known_file_is_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_KEEPING_BYTES", 1)
    before = folder_digest(folder)
    kept = json.loads((folder / ".digests.json").read_text())
    assert sorted(kept) == ["model_index.json", "vae/model.safetensors"]
    monkeypatch.setattr(module.hashlib, "file_digest", None)
    assert folder_digest(folder) == before


@pytest.mark.parametrize("kept", ["", "[]", '{"model_index.json": [2, 3]}', '{"model_index.json": null}'])
def test_a_broken_note_is_no_obstacle(folder: Path, kept: str) -> None:
    before = folder_digest(folder)
    (folder / ".digests.json").write_text(kept)
    assert folder_digest(folder) == before


def test_it_is_found_on_a_thread_and_unknown_where_nothing_can_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert FolderDigest(folder).text() == folder_digest(folder)
    (folder / "vae" / "model.safetensors").unlink()
    (folder / "vae" / "model.safetensors").symlink_to("model.safetensors")
    assert FolderDigest(folder).text() != "unknown"

    def refuse(folder: Path) -> dict[str, str]:
        raise PermissionError(13, "no")

    monkeypatch.setattr(module, "file_digests", refuse)
    assert FolderDigest(folder).text() == "unknown"
