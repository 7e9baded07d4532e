"""The counters in Prometheus' text format."""

from gesso.domain.event import Queued, Recorded, Requeued, Succeeded
from gesso.domain.task import TaskState
from gesso.observe import Metrics
from gesso.testing import make_task


def test_counters_tell_what_was_submitted_lost_and_ended_and_what_is_there_now() -> None:
    metrics = Metrics(lambda: 3, lambda: 2, lambda: [("gesso/echo", 1, 2, 0)])
    task = make_task(state=TaskState.QUEUED)
    metrics.observe(task, [Recorded(task.seq, 1, Queued())])
    metrics.observe(task, [Recorded(task.seq, 1, Requeued("gone", True))])
    done = make_task(state=TaskState.SUCCEEDED)
    metrics.observe(done, [Recorded(done.seq, 1, Succeeded())])
    # A whole life in one commit, and one that begins with a lost Attempt.
    metrics.observe(done, [Recorded(1, 1, Queued()), Recorded(done.seq, 1, Succeeded())])
    metrics.observe(task, [Recorded(1, 1, Queued()), Recorded(task.seq, 1, Requeued("gone", True))])
    text = metrics.text().decode()
    assert f'gesso_tasks_submitted_total{{model="{task.model}"}} 3.0' in text
    assert f'gesso_attempts_lost_total{{model="{task.model}"}} 2.0' in text
    assert f'gesso_tasks_ended_total{{model="{done.model}",state="succeeded"}} 2.0' in text
    assert "gesso_tasks_waiting 3.0" in text
    assert "gesso_tasks_running 2.0" in text
    assert 'gesso_workers{model="gesso/echo",state="busy"} 2.0' in text
