"""The accelerators of a machine, as the driver's tool lists them: here a script in its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from gesso.execution.devices import find_accelerators, free_bytes
from gesso.models.contract import Device

MIB = 2**20
TOOL = """#!/bin/sh
case "$1" in
    --query-gpu=index,memory.total) printf '0, 24564\\n1, 143771\\nNo devices\\n' ;;
    --query-gpu=index,memory.free) printf '0, 23012\\n1, [N/A]\\n' ;;
    *) exit 2 ;;
esac
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tool


def test_devices_are_told_with_all_their_memory_and_with_what_is_free(driver: Path) -> None:
    assert find_accelerators(driver) == [Device("cuda:0", 24564 * MIB, 8), Device("cuda:1", 143771 * MIB, 8)]
    assert free_bytes(driver) == {"cuda:0": 23012 * MIB}


def test_without_driver_or_with_a_tool_that_fails_there_are_none(driver: Path) -> None:
    assert find_accelerators(driver.with_name("nvidia0")) == []
    driver.write_text("#!/bin/sh\nexit 9\n")
    assert find_accelerators(driver) == []
    assert free_bytes(driver) == {}
