"""What the chosen Project has, may spend and has used: balance and budget, pictures of its use, its ledger, and both as files."""

from __future__ import annotations

import asyncio
import csv
import datetime
import io
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute

from gesso.domain.errors import GessoError, ProjectUnknown, Unavailable
from gesso.domain.ledger import RUN_MINIMUM, BillingMode, Entry, EntryKind, day_of, plain, read_amount
from gesso.domain.limits import LEDGER_PAGE_MAX_COUNT
from gesso.domain.price import billed_seconds
from gesso.domain.project import Project, Role
from gesso.web.forms import Form, read_form
from gesso.web.projects import month_began, spent
from gesso.web.render import HEADERS
from gesso.web.site import Site
from gesso.web.usage import HEIGHT, MEASURES, WIDTH, usage_of
from gesso.web.visitor import Visitor

PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days"}
_DEFAULT_PERIOD = "30"
_PAGE_COUNT = 25
_EXPORT_MAX_COUNT = 10_000
_ID_MAX_DIGITS = 18
KINDS = {EntryKind.CHARGE: "Run", EntryKind.CREDIT: "Credit", EntryKind.ADJUSTMENT: "Adjustment"}
# A table program takes what begins so for a formula, whoever wrote it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class BillingPages:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._billing = site.services.billing

    def routes(self) -> list[BaseRoute]:
        route = self._site.route
        return [
            route("/billing", self._show),
            route("/billing/credit", self._credit, ("POST",)),
            route("/billing/export", self._export),
        ]

    async def _show(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        if visitor.project is None:
            return self._site.page(request, visitor, "billing/no_project.html")
        return await self._page(request, visitor, visitor.project)

    async def _page(self, request: Request, visitor: Visitor, project: Project, problem: str = "", form: Form | None = None) -> Response:
        given = request.query_params
        period = given.get("days", _DEFAULT_PERIOD)
        period = period if period in PERIODS else _DEFAULT_PERIOD
        today = day_of(time.time_ns() // 1_000)
        first_day, month = today - int(period) + 1, month_began()
        before = _number(given.get("before", ""))
        account, used, entries = await asyncio.gather(
            self._billing.account(project.id),
            self._billing.usage(project.id, first_day=min(first_day, month)),
            self._billing.entries(project.id, before or None, _PAGE_COUNT + 1),
        )
        listing = visitor.listing
        return self._site.page(
            request,
            visitor,
            "billing/billing.html",
            400 if problem else 200,
            project=project,
            is_prepaid=self._billing.mode is BillingMode.PREPAID,
            is_low=self._billing.mode is BillingMode.PREPAID and account.balance < RUN_MINIMUM,
            account=account,
            spent=spent([each for each in used if each.day >= month]),
            usage=usage_of(used, first_day, today, given.get("show", "")),
            measures=MEASURES,
            periods=PERIODS,
            period=period,
            width=WIDTH,
            height=HEIGHT,
            entries=entries[:_PAGE_COUNT],
            older=entries[_PAGE_COUNT - 1].id if len(entries) > _PAGE_COUNT else 0,
            before=before,
            kinds={kind.value: word for kind, word in KINDS.items()},
            may_change=visitor.signed_in.is_admin or (listing is not None and listing.role is Role.OWNER),
            problem=problem,
            given={name: form.word(name) if form else "" for name in ("amount", "note")},
            is_entered=given.get("done") == "credit",
        )

    async def _credit(self, request: Request) -> Response:
        visitor = await self._site.administrator(request)
        form = await read_form(request, visitor)
        project = await self._site.services.projects.find(visitor.signed_in, form.word("project"))
        try:
            await self._billing.credit(project.id, read_amount(form.word("amount")), form.word("note"))
        except GessoError as error:
            if isinstance(error, ProjectUnknown | Unavailable):
                raise
            return await self._page(request, visitor, project, str(error), form)
        return RedirectResponse("/billing?done=credit", 303, HEADERS)

    async def _export(self, request: Request) -> Response:
        visitor = await self._site.member(request)
        if visitor.project is None:
            raise ProjectUnknown
        what = "usage" if request.query_params.get("what") == "usage" else "ledger"
        lines = self._usage_lines(visitor.project) if what == "usage" else self._ledger_lines(visitor.project)
        name = f"gesso-{what}-{datetime.datetime.now(datetime.UTC):%Y-%m-%d}.csv"
        headers = {**HEADERS, "content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

    async def _ledger_lines(self, project: Project) -> AsyncIterator[bytes]:
        yield _csv([("id", "at", "kind", "amount", "balance", "task", "cost", "note")])
        before: int | None = None
        for _ in range(0, _EXPORT_MAX_COUNT, LEDGER_PAGE_MAX_COUNT):
            entries = await self._billing.entries(project.id, before, LEDGER_PAGE_MAX_COUNT)
            if not entries:
                return
            yield _csv([_line(entry) for entry in entries])
            before = entries[-1].id

    async def _usage_lines(self, project: Project) -> AsyncIterator[bytes]:
        yield _csv([("day", "model", "runs", "succeeded", "failed", "cancelled", "seconds", "credits")])
        epoch = datetime.date(1970, 1, 1)
        yield _csv(
            [
                (
                    (epoch + datetime.timedelta(days=each.day)).isoformat(),
                    _text(each.model),
                    each.counts.submitted,
                    each.counts.succeeded,
                    each.counts.failed,
                    each.counts.cancelled,
                    billed_seconds(each.counts.billed_us),
                    plain(each.counts.amount),
                )
                for each in await self._billing.usage(project.id)
            ]
        )


def _line(entry: Entry) -> tuple[Any, ...]:
    at = datetime.datetime.fromtimestamp(entry.at / 1_000_000, datetime.UTC).isoformat(timespec="seconds")
    task = entry.task_id or ""
    return (
        entry.id,
        at,
        entry.kind.value,
        plain(entry.amount),
        plain(entry.balance),
        task,
        plain(entry.cost) if task else "",
        _text(entry.note),
    )


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    return file.getvalue().encode("utf-8", "replace")


def _text(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _ID_MAX_DIGITS else 0
