"""What a model process may see of the server's environment, how exits are named, and which steps an Executor may take."""

from __future__ import annotations

import pytest

from gesso.execution.process import describe_exit, worker_environment
from gesso.execution.state import LEGAL_STEPS, State


def test_only_what_computing_needs_is_passed_on() -> None:
    allowed = {"PATH": "/bin", "HOME": "/h", "LC_ALL": "C", "CUDA_VISIBLE_DEVICES": "0", "HF_HOME": "/m", "TORCH_HOME": "/t"}
    refused = {
        "GESSO_DATA": "/d",
        "GESSO_SECRET": "s",
        "DATABASE_URL": "u",
        "PGPASSWORD": "p",
        "AWS_ACCESS_KEY_ID": "a",
        "PYTHONSTARTUP": "x",
        "HF_TOKEN": "t",
        "HF_TOKEN_PATH": "/t",
        "NVIDIA_API_KEY": "k",
    }
    seen = worker_environment(allowed | refused, threads=3)
    assert allowed.items() <= seen.items()
    assert not refused.keys() & seen.keys()
    assert seen["OMP_NUM_THREADS"] == seen["MKL_NUM_THREADS"] == seen["OPENBLAS_NUM_THREADS"] == "3"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exited with code 0"),
        (3, "exited with code 3"),
        (-9, "was killed by signal 9 (SIGKILL)"),
        (-11, "was killed by signal 11 (SIGSEGV)"),
        (-63, "was killed by signal 63"),
    ],
)
def test_exits_are_named(code: int, words: str) -> None:
    assert describe_exit(code) == words


def test_every_state_has_its_steps_and_death_is_final() -> None:
    assert set(LEGAL_STEPS) == set(State)
    assert not LEGAL_STEPS[State.DEAD]
    assert all(State.DEAD in steps for state, steps in LEGAL_STEPS.items() if state is not State.DEAD)
    assert State.BUSY not in LEGAL_STEPS[State.STARTING]
