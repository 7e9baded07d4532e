"""The API for this server's own pages: a session in a cookie, and which project it acts for in a header."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from requirements import proves
from wiro_people import new_person
from wiro_server import LiveServer

HERE = {"sec-fetch-site": "same-origin"}


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("browsers"), signup="open")
    live.start()
    yield live
    live.stop()


def _somebody(server: LiveServer) -> tuple[str, str]:
    """The token of a new person, and the uuid of a project of theirs."""
    person = new_person(server)
    with person.client:
        return person.token, person.project()["uuid"]


def _asked(server: LiveServer, token: str, project: str, **headers: str) -> httpx.Response:
    """Task/List as a page asks for it."""
    cookies = {"gesso_session": token} if token else {}
    with httpx.Client(base_url=f"{server.url}/v1", cookies=cookies, headers={"x-gesso-project": project} | headers) as client:
        return client.post("/Task/List", json={})


@proves("browser.cookie")
def test_a_page_acts_for_a_project_of_who_is_signed_in(open_server: LiveServer) -> None:
    token, uuid = _somebody(open_server)
    assert _asked(open_server, token, uuid, **HERE).json()["result"] is True
    # Browsers that do not say where a request comes from name the origin.
    assert _asked(open_server, token, uuid, origin=open_server.url).json()["result"] is True


@proves("browser.foreign")
@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"sec-fetch-site": "none"}, {"origin": "https://example.com"}, {}],
)
def test_pages_of_other_sites_are_refused(open_server: LiveServer, headers: dict[str, str]) -> None:
    answer = _asked(open_server, *_somebody(open_server), **headers)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == 99


@proves("browser.foreign")
@pytest.mark.parametrize("token", ["", "nonsense", "x" * 5000])
def test_a_header_without_a_session_is_refused(open_server: LiveServer, token: str) -> None:
    answer = _asked(open_server, token, _somebody(open_server)[1], **HERE)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["code"] == 99


@proves("browser.stranger")
def test_another_users_project_does_not_exist(open_server: LiveServer) -> None:
    # Whoever comes first may see all projects.
    (_, project), (token, _) = _somebody(open_server), _somebody(open_server)
    for wanted in (project, "nothing", ""):
        answer = _asked(open_server, token, wanted, **HERE).json()
        assert answer["result"] is False
        assert answer["errors"][0]["message"] == "project-not-exist"
