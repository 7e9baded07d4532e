"""The accelerators of this machine, found without importing torch."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gesso.domain.limits import MIB
from gesso.models.contract import Device

_QUERY = ("--query-gpu=index,memory.total", "--format=csv,noheader,nounits")
_TIMEOUT_S = 20
_THREADS = 8


def find_accelerators(driver: Path = Path("/dev/nvidia0")) -> list[Device]:
    """The CUDA devices with their memory, as the driver's own tool lists them; an empty list without driver or tool."""
    tool = shutil.which("nvidia-smi")
    if tool is None or not driver.exists():
        return []
    try:
        listed = subprocess.run([tool, *_QUERY], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True).stdout  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return []
    devices: list[Device] = []
    for line in listed.splitlines():
        index, _, memory = line.partition(",")
        if index.strip().isdigit() and memory.strip().isdigit():
            devices.append(Device(f"cuda:{index.strip()}", int(memory) * MIB, _THREADS))
    return devices
