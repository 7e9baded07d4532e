"""The tab with the guide, as it is served: readable without a script, the reader's values in it, and nothing that was not asked for."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from wiro_server import LiveServer

from gesso.domain.project import AuthMethod, Key
from gesso.services.accounts import Sender
from gesso.services.sessions import COOKIE
from gesso.web.integration import LANGUAGE_COOKIE
from gesso.web.samples.languages import LANGUAGES

PATH = "/models/gesso/echo/api"
PASSWORD = "a long pass phrase"


@dataclass(frozen=True)
class Member:
    """Somebody with two projects. `newcomer`: somebody with none."""

    client: httpx.Client
    signing: Key
    keyed: Key
    newcomer: httpx.Client


@pytest.fixture(scope="module")
def member(server: LiveServer) -> Iterator[Member]:
    services = server.house.services
    signed = server.call(lambda: services.users.sign_up("maya@example.com", PASSWORD, Sender("127.0.0.1")))
    signing = server.call(lambda: services.projects.create(signed.user, "studio", AuthMethod.SIGNATURE))
    keyed = server.call(lambda: services.projects.create(signed.user, "shop", AuthMethod.KEY))
    server.call(lambda: services.users.create_user("noor@example.com", PASSWORD, is_admin=False))
    other = server.call(lambda: services.users.sign_in("noor@example.com", PASSWORD, Sender("127.0.0.1")))
    with (
        httpx.Client(base_url=server.url, cookies={COOKIE: signed.token}) as client,
        httpx.Client(base_url=server.url, cookies={COOKIE: other.token}) as newcomer,
    ):
        yield Member(client, signing, keyed, newcomer)


@pytest.fixture
def stranger(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url) as client:
        yield client


def code(page: str) -> str:
    """The text of all code on the page."""
    pieces = re.findall(r"<pre class=\"code\"[^>]*><code>(.*?)</code></pre>", page, flags=re.S)
    assert pieces
    return "\n".join(html.unescape(re.sub(r"<[^>]+>", "", piece)) for piece in pieces)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.id)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/samples"])
def test_every_language_has_its_page(stranger: httpx.Client, language, path: str) -> None:
    answer = stranger.get(path, params={"lang": language.id, "text": "Guten Tag"})
    assert answer.status_code == 200
    assert re.search(rf'aria-current="true">{re.escape(language.title)}</a>', answer.text)
    assert "Guten Tag" in code(answer.text)
    assert "text=Guten+Tag" in answer.text
    assert answer.cookies[LANGUAGE_COOKIE] == language.id


def test_a_language_is_remembered(stranger: httpx.Client) -> None:
    assert stranger.get(PATH, params={"lang": "go"}).status_code == 200
    assert 'data-language="go"' in stranger.get("/models/gesso/heal/api").text
    assert 'data-language="go"' in stranger.get(PATH, params={"lang": "cobol"}).text


def test_a_stranger_is_told_to_sign_in_and_chooses_a_kind_of_key(stranger: httpx.Client) -> None:
    page = stranger.get(PATH, params={"lang": "python"}).text
    assert "/sign-in?next=" in page
    assert "YOUR_API_SECRET" in code(page)
    assert "YOUR_API_SECRET" not in code(stranger.get(PATH, params={"lang": "python", "auth": "key"}).text)


def test_who_has_no_project_is_told_to_make_one(member: Member) -> None:
    page = member.newcomer.get(PATH).text
    assert "Create a project" in page
    assert 'href="/projects"' in page


def test_a_key_is_shown_when_its_member_asks_and_a_secret_never(member: Member) -> None:
    chosen = {"lang": "python", "project": member.signing.project.uuid}
    page = member.client.get(PATH, params=chosen)
    assert member.signing.api_key not in page.text
    assert f"{member.signing.api_key[:4]}…{member.signing.api_key[-4:]}" in page.text
    assert "YOUR_API_KEY" in code(page.text)
    revealed = member.client.get(PATH, params={**chosen, "reveal": "key"})
    assert member.signing.api_key in code(revealed.text)
    assert "YOUR_API_SECRET" in code(revealed.text)
    assert member.signing.api_secret not in revealed.text
    assert revealed.headers["cache-control"] == "no-store"


def test_the_kind_of_key_is_that_of_the_project(member: Member) -> None:
    page = member.client.get(PATH, params={"lang": "python", "project": member.keyed.project.uuid}).text
    assert "hmac" not in code(page)
    assert "hmac" in code(member.client.get(PATH, params={"lang": "python", "project": member.signing.project.uuid}).text)


def test_another_ones_project_is_not_shown(member: Member, stranger: httpx.Client) -> None:
    wanted = {"project": member.signing.project.uuid, "reveal": "key"}
    for client in (member.newcomer, stranger):
        for path in (PATH, f"{PATH}/samples"):
            page = client.get(path, params=wanted).text
            assert member.signing.api_key not in page
            assert member.signing.project.name not in page


@pytest.mark.parametrize("language", ["curl", "nodejs", "python"])
def test_a_hostile_value_stays_text(stranger: httpx.Client, language: str) -> None:
    hostile = "</code></pre><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    answer = stranger.get(PATH, params={"text": hostile, "lang": language, "callbackUrl": f"https://a.example/{hostile}"})
    assert "<script>alert" not in answer.text
    assert "<img src=x" not in answer.text
    assert "alert(1)" in code(answer.text)


def test_a_model_that_is_not_there_is_a_page_that_says_so(stranger: httpx.Client) -> None:
    assert stranger.get("/models/gesso/nothing/api").status_code == 404
    assert stranger.get("/models/gesso/nothing/api/samples").status_code == 404


def test_the_guide_names_each_call_once_and_leads_to_it(stranger: httpx.Client) -> None:
    page = stranger.get(PATH).text
    targets = re.findall(r'<li><a href="#([\w-]+)">', page)
    assert len(targets) == 10
    assert all(page.count(f' id="{target}"') == 1 for target in targets)
