"""Doubles of every port, simulated time and builders: for this project's tests, and for those who write models or adapters.

A double keeps its port's promises as the real adapter does (tests/contracts runs the same suite on both) and can be told to fail.
"""

from gesso.testing.accounts import MemoryAccounts
from gesso.testing.billing import MemoryBilling
from gesso.testing.blobs import MemoryBlobs, MemoryWriter
from gesso.testing.builders import make_file, make_key, make_model, make_order, make_project, make_received, make_task, steps_to
from gesso.testing.clock import EPOCH_US, FakeClock, LoopClock
from gesso.testing.disk import Disk
from gesso.testing.executor import Play, ScriptedExecutor
from gesso.testing.fetch import MemoryFetch
from gesso.testing.files import MemoryFiles
from gesso.testing.folders import MemoryFolders
from gesso.testing.loop import NothingLeftToHappen, SimulatedLoop, simulate
from gesso.testing.notices import MemoryNotices
from gesso.testing.tasks import MemoryTasks

__all__ = [
    "EPOCH_US",
    "Disk",
    "FakeClock",
    "LoopClock",
    "MemoryAccounts",
    "MemoryBilling",
    "MemoryBlobs",
    "MemoryFetch",
    "MemoryFiles",
    "MemoryFolders",
    "MemoryNotices",
    "MemoryTasks",
    "MemoryWriter",
    "NothingLeftToHappen",
    "Play",
    "ScriptedExecutor",
    "SimulatedLoop",
    "make_file",
    "make_key",
    "make_model",
    "make_order",
    "make_project",
    "make_received",
    "make_task",
    "simulate",
    "steps_to",
]
