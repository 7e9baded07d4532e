"""Task history in a browser: rows that live, filters in the address, a task beside the list, projects apart. Checks 45 to 50 of the pages'
specification, and what is done to tasks from there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from browser_people import Owner, sign_up
from browser_server import LiveServer
from playwright.sync_api import Page, expect

from gesso.domain.project import AuthMethod

_HOSTILE = "<img src=x onerror=alert(1)> & 'quoted'"


@pytest.fixture(scope="module")
def painter(server: LiveServer, owner: Owner) -> Owner:
    """Somebody with tasks: three that ended well, of which one is called in a hostile way, and one that failed."""
    who = sign_up(server, "tasks@example.com")
    with api(server, who) as client:
        for fields in (
            {"text": "white tulips", "seed": "11"},
            {"text": _HOSTILE},
            {"text": "a jug that breaks", "fail": "error"},
            {"text": "red tulips"},
        ):
            finish(server, order(client, **fields))
    return who


@pytest.fixture
def page(new_page: Callable[..., Page], painter: Owner) -> Page:
    return new_page(painter)


@contextmanager
def api(server: LiveServer, who: Owner) -> Iterator[httpx.Client]:
    headers = {"x-gesso-project": who.project.uuid, "origin": server.url}
    with httpx.Client(base_url=f"{server.url}/v1", cookies={"gesso_session": who.token}, headers=headers, timeout=60) as client:
        yield client


def order(client: httpx.Client, **fields: Any) -> dict[str, str]:
    answer = client.post("/Run/gesso/echo", json=fields).json()
    assert answer["result"], answer
    return answer


@contextmanager
def held(client: httpx.Client, text: str) -> Iterator[dict[str, str]]:
    """A run that does not end by itself. It is over with the block, whatever happens there: it holds the only worker of echo."""
    answer = order(client, text=text, delay=600, steps=6000)
    try:
        yield answer
    finally:
        client.post("/Task/Kill", json={"taskid": answer["taskid"]})


def finish(server: LiveServer, answer: dict[str, str]) -> str:
    server.call(lambda: server.house.lifecycle.wait(int(answer["taskid"])))
    return answer["taskid"]


def row(page: Page, text: str):
    return page.locator("tr[data-task]", has_text=text)


def test_a_project_without_tasks_says_so_and_leads_to_the_models(new_page: Callable[..., Page], server: LiveServer, owner: Owner) -> None:
    page = new_page(sign_up(server, "fresh@example.com"), allowed=(404,))
    page.goto("/tasks")
    expect(page.get_by_role("heading", name="You don't have tasks yet")).to_be_visible()
    page.get_by_role("link", name="Go to models").click()
    expect(page).to_have_url(f"{server.url}/models")


def test_rows_live_and_move_under_their_day_when_they_end(page: Page, server: LiveServer, painter: Owner) -> None:
    now, today = page.locator("[data-now]"), page.locator(".group[data-day]").first
    with api(server, painter) as client:
        with held(client, "a long one"):
            short = order(client, text="a short one")
            page.goto("/tasks")
            expect(now.locator("tr[data-task]", has_text="a long one").locator("[data-pill]")).to_contain_text(
                re.compile(r"Running \d+/6000")
            )
            # Each step may bring the row anew.
            expect(row(page, "a long one").locator("[data-bar] > *")).to_have_attribute("style", re.compile("scaleX"))
            expect(now.locator("tr[data-task]", has_text="a short one")).to_contain_text("Waiting, next")
        # The one ends, and the other, which waited for it, does so too.
        finish(server, short)
    expect(now).to_have_count(0)
    expect(today.locator("h2")).to_contain_text("Today")
    expect(today.locator("tr[data-task]", has_text="a short one")).to_contain_text("Done")
    expect(today.locator("tr[data-task]", has_text="a long one")).to_contain_text("Cancelled")


def test_what_others_order_shows_up_by_itself(page: Page, server: LiveServer, painter: Owner) -> None:
    page.goto("/tasks")
    with api(server, painter) as client:
        finish(server, order(client, text="from elsewhere"))
    expect(row(page, "from elsewhere")).to_be_visible()


def test_filters_are_in_the_address_and_back_works(page: Page, server: LiveServer) -> None:
    page.goto("/tasks")
    page.get_by_role("navigation", name="Status").get_by_role("link", name=re.compile("Failed")).click()
    expect(page).to_have_url(f"{server.url}/tasks?status=failed")
    expect(page.locator("tr[data-task]")).to_have_count(1)
    page.get_by_label("Prompt, seed or task id").fill("tulips")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{server.url}/tasks?status=failed&q=tulips")
    expect(page.get_by_role("heading", name="No task matches")).to_be_visible()
    page.go_back()
    expect(page.locator("tr[data-task]")).to_have_count(1)
    page.go_back()
    expect(row(page, "white tulips")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("11")
    page.keyboard.press("Enter")
    expect(row(page, "white tulips")).to_be_visible()
    expect(row(page, "red tulips")).to_have_count(0)


def test_a_task_is_shown_beside_the_list_by_click_arrows_and_escape(page: Page, server: LiveServer) -> None:
    page.goto("/tasks")
    peek = page.get_by_role("complementary", name="One task")
    row(page, "red tulips").locator(".title").click()
    expect(peek).to_contain_text("Where the time went")
    first = page.url
    assert re.fullmatch(rf"{server.url}/tasks\?task=\d+", first)
    expect(page.locator("tr.chosen")).to_contain_text("red tulips")
    page.keyboard.press("ArrowDown")
    expect(page.locator("tr.chosen")).to_contain_text("a jug that breaks")
    expect(peek).to_contain_text("the run was asked to fail")
    page.keyboard.press("ArrowUp")
    expect(page).to_have_url(first)
    page.keyboard.press("Escape")
    expect(peek).to_be_hidden()
    expect(page).to_have_url(f"{server.url}/tasks")
    page.go_back()
    expect(peek).to_contain_text("red tulips")
    page.reload()
    expect(peek).to_contain_text("red tulips")
    peek.get_by_role("link", name="Close").click()
    expect(peek).to_be_hidden()


def test_projects_are_apart(new_page: Callable[..., Page], server: LiveServer, painter: Owner) -> None:
    key = server.call(lambda: server.house.services.projects.create(painter.user, "another studio", AuthMethod.KEY))
    other = Owner(painter.user, painter.token, key.project)
    with api(server, other) as client:
        number = finish(server, order(client, text="of the other project"))
    page = new_page(painter)
    # Which of the two is shown without a choice is not the point.
    for project, seen, unseen in ((key.project, "of the other project", "white tulips"), (painter.project, "white tulips", "of the other")):
        page.goto("/tasks")
        page.locator("main").locator("summary", has_text="Project:").click()
        page.locator("main").get_by_role("button", name=project.name, exact=True).click()
        expect(row(page, seen)).to_be_visible()
        expect(row(page, unseen)).to_have_count(0)
    # An address names its project, whichever is chosen, and the link to a task needs none.
    page.goto(f"/tasks?project={key.project.uuid}")
    expect(row(page, "of the other project")).to_be_visible()
    page.goto(f"/tasks/{number}")
    expect(page.locator("h1")).to_have_text("of the other project")
    expect(page.locator("main")).to_contain_text("in another studio")


def test_trainings_are_said_not_to_be_here(page: Page) -> None:
    page.goto("/tasks")
    page.get_by_role("navigation", name="Lists of tasks").get_by_role("link", name=re.compile("Trains")).click()
    expect(page.get_by_role("heading", name="No training in this version")).to_be_visible()


def test_hostile_texts_stay_texts(page: Page, server: LiveServer) -> None:
    page.goto("/tasks")
    title = row(page, "onerror").locator(".title")
    expect(title).to_have_text(_HOSTILE)
    title.click()
    expect(page.get_by_role("complementary", name="One task")).to_contain_text(_HOSTILE)
    assert page.locator("img[src=x]").count() == 0


def test_a_rerun_goes_in_line_without_leaving_the_page(page: Page) -> None:
    page.goto("/tasks?q=red+tulips")
    number = page.locator("tr[data-task]").count()
    row(page, "red tulips").first.get_by_role("button", name="Re-run").click()
    expect(page.get_by_text(re.compile(r"Task \d+ is in line"))).to_be_visible()
    expect(page.locator("tr[data-task]")).to_have_count(number + 1)


def test_what_runs_is_stopped_and_stays_stopped(page: Page, server: LiveServer, painter: Owner) -> None:
    with api(server, painter) as client, held(client, "it would never end") as answer:
        page.goto(f"/tasks/{answer['taskid']}")
        expect(page.locator("[data-step]")).to_contain_text(re.compile(r"Running \d+"))
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".head [data-pill]")).to_contain_text("Cancelled")
        expect(page.locator("main")).to_contain_text("It was stopped while it ran")
    page.goto("/tasks?status=cancelled")
    expect(row(page, "it would never end")).to_contain_text("while it ran")


def test_several_are_chosen_with_shift_and_lose_their_files_together(page: Page, server: LiveServer, painter: Owner) -> None:
    with api(server, painter) as client:
        for number in range(3):
            finish(server, order(client, text=f"throwaway {number}"))
    page.goto("/tasks?q=throwaway")
    row(page, "throwaway 2").locator(".title").click(modifiers=["Shift"])
    row(page, "throwaway 0").locator(".title").click(modifiers=["Shift"])
    expect(page.get_by_text("3 chosen")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("3 chosen")).to_be_hidden()
    title = row(page, "throwaway 1").locator(".title")
    title.focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.get_by_role("button", name="Delete files").click()
    expect(page.get_by_role("heading", name="Delete the files of this task?")).to_be_visible()
    page.get_by_role("button", name="Delete the files").click()
    expect(row(page, "throwaway 1")).to_contain_text("files deleted")
    expect(row(page, "throwaway 2")).not_to_contain_text("files deleted")


def test_a_command_for_the_terminal_is_copied(new_page: Callable[..., Page], server: LiveServer, painter: Owner) -> None:
    page = new_page(painter, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/tasks?q=white+tulips")
    row(page, "white tulips").locator(".title").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.get_by_text("The command is in your clipboard")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "YOUR_API_KEY" in copied
    assert '"seed":"11"' in copied
    page.get_by_role("button", name="Copy the link to this task").click()
    expect(page.get_by_text("The link is in your clipboard")).to_be_visible()
    assert re.fullmatch(rf"{server.url}/tasks/\d+", page.evaluate("navigator.clipboard.readText()"))


def test_older_tasks_come_by_a_button(page: Page, server: LiveServer, painter: Owner) -> None:
    with api(server, painter) as client:
        answers = [order(client, text=f"many {number}", outputs=0) for number in range(34)]
        for answer in answers:
            finish(server, answer)
    page.goto("/tasks?q=many")
    expect(page.locator("tr[data-task]")).to_have_count(30)
    page.get_by_role("link", name="Look through older tasks").click()
    expect(page.locator("tr[data-task]")).to_have_count(34)
    expect(row(page, "many 3").last).to_be_visible()
    expect(page.get_by_text("That is all")).to_be_visible()


def test_it_reads_without_scripts(new_page: Callable[..., Page], painter: Owner) -> None:
    page = new_page(painter, java_script_enabled=False)
    page.goto("/tasks?q=red+tulips")
    row(page, "red tulips").last.locator(".title").click()
    expect(page.get_by_role("complementary", name="One task")).to_contain_text("Where the time went")
    page.get_by_role("complementary", name="One task").get_by_role("button", name="Re-run").click()
    expect(page.locator("h1")).to_have_text("red tulips")


@pytest.mark.parametrize("width", [1440, 768, 390])
def test_nothing_runs_over_the_edge(new_page: Callable[..., Page], painter: Owner, width: int) -> None:
    page = new_page(painter, width=width)
    for path in ("/tasks", "/models/gesso/echo/history"):
        page.goto(path)
        page.locator("tr[data-task] .title").first.click()
        expect(page.get_by_role("complementary", name="One task")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
