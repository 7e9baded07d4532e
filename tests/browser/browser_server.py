"""The live server that tests of the wire use, under a name that does not collide with theirs."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "dialects" / "wiro"))

from wiro_server import LiveServer, socket_to, web_server

__all__ = ["LiveServer", "socket_to", "web_server"]
