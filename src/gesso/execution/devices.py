"""The accelerators of this machine, found without importing torch."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gesso.domain.limits import MIB
from gesso.models.contract import Device

_DRIVER = Path("/dev/nvidia0")
_TIMEOUT_S = 20
_THREADS = 8


def find_accelerators(driver: Path = _DRIVER) -> list[Device]:
    """The CUDA devices with their memory, as the driver's own tool lists them; an empty list without driver or tool."""
    return [Device(name, total_bytes, _THREADS) for name, total_bytes in _memory("memory.total", driver).items()]


def free_bytes(driver: Path = _DRIVER) -> dict[str, int]:
    """How much memory of each CUDA device nobody uses just now."""
    return _memory("memory.free", driver)


def _memory(field: str, driver: Path) -> dict[str, int]:
    tool = shutil.which("nvidia-smi")
    if tool is None or not driver.exists():
        return {}
    query = (f"--query-gpu=index,{field}", "--format=csv,noheader,nounits")
    try:
        listed = subprocess.run([tool, *query], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return {}
    lines = (line.partition(",") for line in listed.splitlines())
    return {
        f"cuda:{index.strip()}": int(memory) * MIB for index, _, memory in lines if index.strip().isdigit() and memory.strip().isdigit()
    }
