"""`make test` installs the programs that tests drive where it may, and says which are missing where it may not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = "scripts/install_programs.sh"
PROGRAMS = ("curl", "openssl", "chromium", "php", "go")
TIMEOUT_S = 120
# What makes one `make` the child of another, which this one is not.
OF_A_MAKE = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"}
# Notes what it is asked for, and has curl and openssl only.
APT_GET = """\
echo "$@" >> "$NOTES"
for last; do :; done
case "$last" in
    curl | openssl) echo > "$BIN/$last" && /bin/chmod +x "$BIN/$last" ;;
    -qq) ;;
    *) exit 100 ;;
esac
"""


class Machine:
    """A machine on which the user has the number `user`, and whose PATH has these programs alone."""

    def __init__(self, folder: Path, user: int, *programs: str) -> None:
        self._bin, self._notes = folder / "bin", folder / "notes"
        self._bin.mkdir()
        for name, text in (("id", f"echo {user}\n"), ("apt-get", APT_GET), *((each, "") for each in programs)):
            (self._bin / name).write_text(f"#!/bin/sh\n{text}", "utf-8")
            (self._bin / name).chmod(0o755)

    def install(self) -> str:
        """What the script says."""
        done = subprocess.run(
            ["/bin/sh", str(ROOT / SCRIPT)],
            env={"PATH": str(self._bin), "BIN": str(self._bin), "NOTES": str(self._notes)},
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    @property
    def asked_for(self) -> list[str]:
        """What was to be installed, one call of apt-get each."""
        lines = self._notes.read_text("utf-8").splitlines() if self._notes.exists() else []
        return [line.rpartition(" ")[2] for line in lines if line.startswith("install")]


def test_who_may_not_install_is_told_what_is_missing_and_what_follows(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 1000, "openssl")
    said = machine.install()
    assert said.startswith("Not installed: curl, chromium, ")
    assert "The tests that need them are skipped" in said
    assert "apt-get install curl chromium " in said
    assert machine.asked_for == []


def test_root_installs_each_alone_and_is_told_what_could_not_be_had(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 0, "go")
    said = machine.install()
    asked_for = [package for package in machine.asked_for if package != "postgresql"]
    assert asked_for == ["curl", "openssl", "chromium", "php-cli", "php-curl"]
    assert said.splitlines()[-1].startswith("Not installed: chromium, ")


def test_nothing_is_installed_where_all_is_there(tmp_path: Path) -> None:
    machine = Machine(tmp_path, 0, *PROGRAMS)
    machine.install()
    # Its server is not on the PATH, so this machine's own is looked for.
    assert [package for package in machine.asked_for if package != "postgresql"] == []


def planned(goal: str, folder: Path) -> str:
    """What make would do for it in a fresh clone."""
    done = subprocess.run(
        ["make", "--dry-run", goal, f"VENV={folder / 'venv'}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in OF_A_MAKE},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    return done.stdout


def test_the_programs_are_there_before_the_tests_and_no_matter_of_the_checks(tmp_path: Path) -> None:
    plan = planned("test", tmp_path)
    assert 0 < plan.index(SCRIPT) < plan.index("-m pytest")
    assert SCRIPT not in planned("check", tmp_path)


@pytest.mark.parametrize(
    ("tests", "missing"),
    [
        (["tests/cli/test_cli_readme.py", "-k", "pasted"], "curl, openssl"),
        (["tests/dialects/wiro/test_wiro_auth.py", "-k", "openssl_prints or shell_sample"], "openssl"),
        (["tests/web/samples/test_samples_run.py", "-k", "curl and form"], "curl, openssl"),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
def test_without_curl_and_openssl_tests_are_skipped_with_the_reason(tests: list[str], missing: str, tmp_path: Path) -> None:
    (tmp_path / "bash").symlink_to("/bin/bash")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-rs", *tests],
        cwd=ROOT,
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"not installed: {missing}" in done.stdout
    assert "passed" not in done.stdout.splitlines()[-1]
