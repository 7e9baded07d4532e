"""`gesso bench`: what it measures, and that each figure stands beside that of the floor."""

from __future__ import annotations

import re

from cli_terminal import Terminal


def test_every_latency_is_told_in_floors_of_the_same_run(terminal: Terminal) -> None:
    done = terminal.gesso("bench", "--count", "8")
    assert (done.code, done.err) == (0, "")
    rows = [line for line in done.out.splitlines() if re.search(r"\d+ clients?\s", line)]
    assert [line.partition(",")[0] for line in rows] == [
        name for name in ("Run", "cycle with sync", "cycle with polling") for _ in ("1 client", "16 clients")
    ]
    told = re.findall(r"^(.*?)[: ]*(?:after )?[\d.]+ ms, [\d.]+ requests of the floor$", done.out, flags=re.M)
    assert [words.partition(":")[0] for words in told] == [
        "from submission to the start of a warm Engine",
        "kill of a running task",
        "until its Worker has done another task",
    ]
