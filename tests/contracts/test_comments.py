"""Comments and reports: the service on a real SQLite file."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts_house import AccountsHouse, play

from gesso.domain.errors import ParameterNotAllowed, RoleTooLow, TooManyAttempts
from gesso.domain.limits import COMMENT_MAX_CHARACTERS, COMMENT_REFILL_S, COMMENTS_BURST_COUNT
from gesso.domain.user import User
from gesso.services.comments import Comments
from gesso.store.comments import SqlComments

HEAL, ECHO = "gesso/heal", "gesso/echo"


async def _people(house: AccountsHouse) -> tuple[Comments, User, User, User]:
    """The service, then an administrator and two others."""
    owner, first, second = [await house.person(name) for name in ("owner", "first", "second")]
    return Comments(SqlComments(house.database), house.clock), owner, first, second


def test_comments_are_read_newest_first_under_the_name_of_who_wrote_them(tmp_path: Path) -> None:
    async def scene(house: AccountsHouse) -> None:
        comments, _, first, second = await _people(house)
        await comments.add(first, HEAL, "  one\r\ntwo ")
        await comments.add(second, HEAL, "three")
        await comments.add(second, ECHO, "elsewhere")
        found = await comments.of_model(HEAL)
        assert [(each.author, each.text) for each in found] == [("second@example.org", "three"), ("first@example.org", "one\ntwo")]
        assert (await comments.count(HEAL), await comments.count(ECHO), await comments.count("no/model")) == (2, 1, 0)

    play(tmp_path, scene)


def test_a_comment_is_taken_back_by_its_author_and_by_administrators_only(tmp_path: Path) -> None:
    async def scene(house: AccountsHouse) -> None:
        comments, owner, first, second = await _people(house)
        await comments.add(first, HEAL, "mine")
        await comments.add(first, HEAL, "mine too")
        newer, older = await comments.of_model(HEAL)
        with pytest.raises(RoleTooLow):
            await comments.remove(second, newer.id)
        await comments.remove(first, newer.id)
        await comments.remove(owner, older.id)
        assert await comments.of_model(HEAL) == []
        assert await comments.count(HEAL) == 0

    play(tmp_path, scene)


@pytest.mark.parametrize("text", ["", "  \n", "x" * (COMMENT_MAX_CHARACTERS + 1), "a\0b"])
def test_texts_that_nobody_can_read_are_refused(tmp_path: Path, text: str) -> None:
    async def scene(house: AccountsHouse) -> None:
        comments, _, first, _ = await _people(house)
        with pytest.raises(ParameterNotAllowed):
            await comments.add(first, HEAL, text)

    play(tmp_path, scene)


def test_nobody_fills_the_page_alone(tmp_path: Path) -> None:
    async def scene(house: AccountsHouse) -> None:
        comments, _, first, second = await _people(house)
        for number in range(COMMENTS_BURST_COUNT):
            await comments.add(first, HEAL, f"number {number}")
        with pytest.raises(TooManyAttempts):
            await comments.report(first, HEAL, "one more")
        await comments.add(second, HEAL, "another person")
        house.clock.advance(COMMENT_REFILL_S)
        await comments.add(first, HEAL, "later")

    play(tmp_path, scene)


def test_a_report_stays_open_until_somebody_closes_it(tmp_path: Path) -> None:
    async def scene(house: AccountsHouse) -> None:
        comments, _, first, _ = await _people(house)
        await comments.report(first, HEAL, "its licence is another one")
        report = (await comments.open_reports())[0]
        assert (report.model, report.author, report.text) == (HEAL, "first@example.org", "its licence is another one")
        await comments.close_report(report.id)
        assert await comments.open_reports() == []

    play(tmp_path, scene)
