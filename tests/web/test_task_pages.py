"""Pages of tasks over HTTP, as a browser without scripts sees them: what is listed, what may be done, and to whom they are shown."""

from __future__ import annotations

import csv
import html
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

sys.path.append(str(Path(__file__).parents[1] / "dialects" / "wiro"))
sys.path.append(str(Path(__file__).parents[1] / "browser"))

from browser_people import Owner, sign_up
from wiro_server import LiveServer, ended, run, running

from gesso.domain.limits import THUMBNAIL_MIN_BYTES
from gesso.domain.project import Role

_HOSTILE = "=HYPERLINK(\"x\") <script>alert(1)</script> 'quoted'"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("data"), signup="open")
    live.start()
    yield live
    live.stop()


@pytest.fixture(scope="module")
def maya(server: LiveServer) -> Owner:
    return sign_up(server, "maya@example.com")


@pytest.fixture(scope="module")
def noor(server: LiveServer) -> Owner:
    """Somebody else."""
    return sign_up(server, "noor@example.com")


def api(server: LiveServer, who: Owner) -> httpx.Client:
    headers = {"x-gesso-project": who.project.uuid, "origin": server.url}
    return httpx.Client(base_url=f"{server.url}/v1", cookies={"gesso_session": who.token}, headers=headers, timeout=20)


def pages(server: LiveServer, who: Owner) -> httpx.Client:
    return httpx.Client(base_url=server.url, cookies={"gesso_session": who.token}, timeout=20)


@pytest.fixture
def client(server: LiveServer, maya: Owner) -> Iterator[httpx.Client]:
    with api(server, maya) as made:
        yield made


@pytest.fixture
def browser(server: LiveServer, maya: Owner) -> Iterator[httpx.Client]:
    with pages(server, maya) as made:
        yield made


@pytest.fixture(scope="module")
def done(server: LiveServer, maya: Owner) -> dict[str, str]:
    """A task with a file and a hostile prompt, ended."""
    with api(server, maya) as client:
        file = io.BytesIO()
        Image.effect_noise((400, 300), 90).save(file, "PNG")
        assert len(file.getvalue()) > THUMBNAIL_MIN_BYTES
        answer = client.post(
            "/Run/gesso/echo", data={"text": _HOSTILE, "seed": "77"}, files={"inputFile": ("a.png", file.getvalue())}
        ).json()
        assert answer["result"], answer
        server.call(lambda: server.house.lifecycle.wait(int(answer["taskid"])))
        ended(server, client, text="a second one", fail="error")
        return answer


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def rows(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr data-task="(\d+)"', page)]


def test_the_list_shows_what_ended_and_user_text_stays_text(browser: httpx.Client, done: dict[str, str]) -> None:
    page = browser.get("/tasks")
    assert page.status_code == 200
    assert int(done["taskid"]) in rows(page.text)
    assert html.escape(_HOSTILE, quote=False).replace("'", "&#39;").replace('"', "&#34;") in page.text
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(("query", "count"), [("status=failed", 1), ("status=done", 1), ("q=second", 1), ("q=77", 1), ("q=zeppelin", 0)])
def test_filters_are_in_the_address(browser: httpx.Client, done: dict[str, str], query: str, count: int) -> None:
    page = browser.get(f"/tasks?{query}").text
    assert len(rows(page)) == count
    assert "No task matches" in page or count


def test_a_models_history_has_its_own_runs_only(browser: httpx.Client, done: dict[str, str]) -> None:
    assert int(done["taskid"]) in rows(browser.get("/models/gesso/echo/history").text)
    page = browser.get("/models/gesso/heal/history").text
    assert not rows(page)
    assert "You don&#39;t have tasks yet" in page or "You don't have tasks yet" in page


def test_a_stranger_is_asked_to_sign_in(server: LiveServer, done: dict[str, str]) -> None:
    with httpx.Client(base_url=server.url) as stranger:
        for path in ("/tasks", "/tasks/rows", f"/tasks/{done['taskid']}", "/tasks/export"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.headers["location"][:9]) == (303, "/sign-in?"), path
        assert "Sign in to see" in stranger.get("/models/gesso/echo/history").text


def test_anothers_task_is_not_there(server: LiveServer, noor: Owner, maya: Owner, done: dict[str, str]) -> None:
    number = done["taskid"]
    with pages(server, noor) as other:
        page = other.get("/tasks")
        assert not rows(page.text)
        for path in (f"/tasks/{number}", f"/tasks/{number}/peek", f"/tasks?task={number}", f"/tasks?project={maya.project.uuid}"):
            # The first who signs up owns the server and sees all; the second sees nothing of it.
            assert other.get(path).status_code == 404, path
        for path in (f"/tasks/{number}/again", f"/tasks/{number}/stop", f"/tasks/{number}/files"):
            assert other.post(path, data={"csrf": csrf(page.text)}).status_code == 404, path
        answer = other.post("/tasks/chosen", data={"csrf": csrf(page.text), "task": number, "action": "files", "sure": "yes"})
        assert answer.status_code == 404
        assert other.get("/tasks/export?format=json").json() == []


def test_the_page_of_a_task_tells_all_of_it(browser: httpx.Client, done: dict[str, str]) -> None:
    page = browser.get(f"/tasks/{done['taskid']}").text
    for word in ("Where the time went", "Parameters", "inputFile", "Re-run", "Open in editor", "YOUR_API_KEY"):
        assert word in page, word
    assert f"/models/gesso/echo?task={done['taskid']}" in page
    assert browser.get("/tasks/999999").status_code == 404


def test_a_rerun_orders_the_same_with_another_seed(
    server: LiveServer, maya: Owner, browser: httpx.Client, client: httpx.Client, done: dict[str, str]
) -> None:
    token = csrf(browser.get("/tasks").text)
    old = server.call(lambda: server.house.lifecycle.see(int(done["taskid"])))
    for seed, is_kept in (("keep", True), ("", False)):
        answer = browser.post(f"/tasks/{old.id}/again", data={"csrf": token, "seed": seed})
        assert answer.status_code == 303
        number = int(answer.headers["location"].rsplit("/", 1)[1])
        new = server.call(lambda number=number: server.house.lifecycle.wait(number))
        assert new.state.value == "succeeded"
        assert {**new.values, "seed": 0} == {**old.values, "seed": 0}
        assert (new.values["seed"] == old.values["seed"]) is is_kept
        assert new.files == old.files
        assert new.author == maya.user.uuid


def test_a_row_says_who_ordered_its_task(
    server: LiveServer, maya: Owner, noor: Owner, browser: httpx.Client, client: httpx.Client, done: dict[str, str]
) -> None:
    projects = server.house.services.projects
    server.call(lambda: projects.set_member(maya.user, maya.project.uuid, noor.user.email, Role.MEMBER))
    key = server.call(lambda: projects.regenerate(maya.user, maya.project.uuid))
    with api(server, Owner(noor.user, noor.token, maya.project)) as colleague, server.client(key) as program:
        for asking in (colleague, program, client):
            ended(server, asking, text="who asks")
    page = browser.get("/tasks?q=who+asks").text
    assert re.findall(r"echo, ([^<]+), <time", page) == ["from the web", "by API key", "by noor"]
    server.call(lambda: projects.remove_member(maya.user, maya.project.uuid, noor.user.email))
    assert "by a former member" in browser.get("/tasks?q=who+asks").text


def test_a_form_of_another_page_does_nothing(browser: httpx.Client, done: dict[str, str]) -> None:
    path = f"/tasks/{done['taskid']}/again"
    token = csrf(browser.get("/tasks").text)
    assert browser.post(path).status_code == 403
    assert browser.post(path, data={"csrf": token}, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_what_runs_can_be_stopped_and_what_waits_cancelled(server: LiveServer, browser: httpx.Client, client: httpx.Client) -> None:
    with running(server, client, text="runs long") as answer:
        waiting = run(client, text="waits behind it", delay=60)
        page = browser.get("/tasks").text
        assert page.index("runs long") < page.index("waits behind it")
        assert "Waiting, next" in page
        token = csrf(page)
        told = browser.post(f"/tasks/{waiting['taskid']}/stop", data={"csrf": token}, headers={"x-part": "1"})
        assert told.text == f"Task {waiting['taskid']} was cancelled before it ran."
        told = browser.post(f"/tasks/{answer['taskid']}/stop", data={"csrf": token}, headers={"x-part": "1"})
        assert told.text == f"Task {answer['taskid']} was stopped."
        done = browser.post(f"/tasks/{answer['taskid']}/files", data={"csrf": token, "sure": "yes"}, headers={"x-part": "1"})
        assert done.status_code == 200
    ended(server, client, text="goes on")
    again = browser.post(f"/tasks/{rows(browser.get('/tasks').text)[0]}/stop", data={"csrf": token}, headers={"x-part": "1"})
    assert again.status_code == 409
    assert "already succeeded" in again.text


def test_files_are_deleted_only_by_who_is_sure(server: LiveServer, browser: httpx.Client, client: httpx.Client) -> None:
    made = [int(ended(server, client, text=f"goes {number}")["id"]) for number in range(2)]
    token = csrf(browser.get("/tasks").text)
    asked = browser.post("/tasks/chosen", data={"csrf": token, "task": made, "action": "files", "next": "/tasks?status=done"})
    assert asked.status_code == 200
    assert "Delete the files of 2 tasks?" in asked.text
    sure = browser.post("/tasks/chosen", data={"csrf": token, "task": made, "action": "files", "sure": "yes", "next": "/tasks?status=done"})
    assert (sure.status_code, sure.headers["location"]) == (303, "/tasks?status=done")
    page = browser.get(f"/tasks/{made[0]}").text
    assert "Its files were deleted" in page
    assert "Open in editor" not in page
    refused = browser.post("/tasks/chosen", data={"csrf": token, "task": made, "action": "stop", "next": "//elsewhere.example"})
    assert refused.headers["location"] == "/"


def test_older_tasks_come_by_pages_that_join(server: LiveServer, browser: httpx.Client, done: dict[str, str]) -> None:
    everything = rows(browser.get("/tasks").text)
    newer = [number for number in rows(browser.get(f"/tasks/rows?after={everything[2]}").text) if number not in everything[:2]]
    older = rows(browser.get(f"/tasks/rows?before={everything[1]}").text)
    assert newer == []
    assert older == everything[2:]


def test_an_export_is_what_the_filters_show_and_no_formula(browser: httpx.Client, done: dict[str, str]) -> None:
    answer = browser.get("/tasks/export?format=csv&q=HYPERLINK")
    assert answer.headers["content-disposition"].startswith('attachment; filename="gesso-tasks-')
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert table
    assert all(line["prompt"].startswith("'=") for line in table)
    records = browser.get("/tasks/export?format=json&status=failed").json()
    assert {record["status"] for record in records} == {"failed"}
    assert records[0]["parameters"]["fail"] == "error"


def test_small_pictures_are_served_to_who_has_the_key(server: LiveServer, done: dict[str, str]) -> None:
    task = server.call(lambda: server.house.lifecycle.see(int(done["taskid"])))
    given, made = task.files["inputFile"][0], task.outputs[0]
    with httpx.Client(base_url=server.url) as anybody:
        small = anybody.get(f"/thumbs/{given.access_key}?w=96")
        assert (small.status_code, small.headers["content-type"]) == (200, "image/webp")
        assert small.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in small.headers["cache-control"]
        with Image.open(io.BytesIO(small.content)) as picture:
            assert max(picture.size) < 200
        assert anybody.get(f"/thumbs/{made.access_key}?w=junk").status_code == 200
        for key in ("nothing", "a" * 30, "%2e%2e%2fgesso.db"):
            assert anybody.get(f"/thumbs/{key}").status_code == 404, key


def test_training_is_said_not_to_be_here(browser: httpx.Client) -> None:
    assert "No training in this version" in browser.get("/tasks?tab=trains").text
