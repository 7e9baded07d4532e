"""Logs and counters: one line of JSON or of coloured text for each event, with constant words and fields."""

from __future__ import annotations

import logging
import sys
import time

import structlog


class SystemClock:
    """The Clock of the machine."""

    def now(self) -> int:
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        return time.monotonic()


def configure_logs(level: str) -> None:
    """Write logs to stderr, for people when it is a terminal and as JSON otherwise."""
    for name in ("httpx", "httpcore"):
        # They log whole addresses and headers of webhooks, which may be secrets.
        logging.getLogger(name).setLevel(logging.WARNING)
    renderer = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
