"""Logs and counters: one line of JSON or of coloured text for each event, with constant words and fields."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from gesso.domain.event import Cancelled, Failed, Queued, Recorded, Requeued, Succeeded
from gesso.domain.task import Task

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)


class SystemClock:
    """The Clock of the machine."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def configure_logs(level: str, keep: Callable[[str], None] | None = None) -> None:
    """Write logs to stderr, for people when it is a terminal and as JSON otherwise. `keep`: takes each line too, as JSON."""
    for name in ("httpx", "httpcore"):
        # They log whole addresses and headers of webhooks, which may be secrets.
        logging.getLogger(name).setLevel(logging.WARNING)
    # It has a line for each broken form, which is refused with the same reason.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    logging.basicConfig(level=logging.WARNING, handlers=[_Foreign()], force=True)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *([_keeping(keep)] if keep is not None else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class _Foreign(logging.Handler):
    """What libraries write goes the way of our own lines: a raw one between lines of JSON could not be read."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)
        structlog.get_logger().log(level, "a library wrote", library=record.name, text=text, exc_info=record.exc_info)


def _keeping(keep: Callable[[str], None]) -> structlog.types.Processor:
    render = structlog.processors.JSONRenderer()

    def pass_on(logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        keep(str(render(logger, name, dict(event))))
        return event

    return pass_on


@dataclass(frozen=True, slots=True)
class _ModelCounters:
    """The counters of one Model."""

    submitted: Counter
    lost: Counter
    ended: Mapping[type, Counter]
    waited: Histogram
    ran: Histogram


class Metrics:
    """The counters of one server in Prometheus' text format. Told of each commit; what has a present value is asked for when it is read."""

    def __init__(
        self, waiting: Callable[[], int], running: Callable[[], int], workers: Callable[[], Sequence[tuple[str, int, int, int]]]
    ) -> None:
        """`workers`: per Model its name, and how many Workers are idle, busy and starting."""
        self._registry = registry = CollectorRegistry()
        self._workers = workers
        self._of_model: dict[str, _ModelCounters] = {}
        self._submitted = Counter("gesso_tasks_submitted", "Tasks that were accepted.", ["model"], registry=registry)
        self._ended = Counter("gesso_tasks_ended", "Tasks that ended, by how.", ["model", "state"], registry=registry)
        self._lost = Counter("gesso_attempts_lost", "Attempts that were lost and tried again.", ["model"], registry=registry)
        names = ("model",)
        self._waited = Histogram(
            "gesso_task_wait_seconds", "From acceptance to the Engine's start.", names, registry=registry, buckets=_SECONDS
        )
        self._ran = Histogram("gesso_task_run_seconds", "From the Engine's start to its end.", names, registry=registry, buckets=_SECONDS)
        Gauge("gesso_tasks_waiting", "Tasks in the queue.", registry=registry).set_function(waiting)
        Gauge("gesso_tasks_running", "Attempts under way.", registry=registry).set_function(running)
        self._crews = Gauge("gesso_workers", "Model processes.", ["model", "state"], registry=registry)

    def _counters_of(self, model: str) -> _ModelCounters:
        """Looked up once: each look by labels costs as much as ten counts."""
        known = self._of_model.get(model)
        if known is None:
            ended = {event: self._ended.labels(model, event.__name__.lower()) for event in (Succeeded, Failed, Cancelled)}
            known = _ModelCounters(
                self._submitted.labels(model), self._lost.labels(model), ended, self._waited.labels(model), self._ran.labels(model)
            )
            self._of_model[model] = known
        return known

    def observe(self, task: Task, recorded: Sequence[Recorded]) -> None:
        # One commit may hold a whole life: the order is its first Event, and what ends an Attempt or a Task its last.
        counters, last = self._counters_of(task.model), type(recorded[-1].event)
        if type(recorded[0].event) is Queued:
            counters.submitted.inc()
        if last is Requeued:
            counters.lost.inc()
        elif last in counters.ended:
            counters.ended[last].inc()
            if last is Succeeded:
                counters.waited.observe((task.started_at - task.created_at) / 1e6)
                counters.ran.observe((task.ended_at - task.started_at) / 1e6)

    def text(self) -> bytes:
        for model, idle, busy, starting in self._workers():
            for state, count in (("idle", idle), ("busy", busy), ("starting", starting)):
                self._crews.labels(model, state).set(count)
        return generate_latest(self._registry)
