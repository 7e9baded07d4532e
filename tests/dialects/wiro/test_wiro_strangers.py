"""Every route against whoever may not use it. A new route must be put into one of the lists below, or the first test fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from requirements import proves
from wiro_people import PASSWORD, Person, bearer, new_person
from wiro_server import LiveServer, record, run, socket_to

from gesso.api.wiro.routes import Wiro
from gesso.domain.project import AuthMethod, Key

# With a key: what a stranger would send, with `{...}` for a name of the victim's.
BY_KEY: dict[str, dict[str, str]] = {
    "Run/gesso/echo": {"text": "hello"},
    "Run/gesso/echo/sync": {"text": "hello"},
    "Task/Detail": {"taskid": "{taskid}", "tasktoken": "{token}"},
    "Task/Cancel": {"taskid": "{taskid}", "tasktoken": "{token}"},
    "Task/Kill": {"taskid": "{taskid}", "tasktoken": "{token}"},
    "Task/List": {},
    "Task/InputOutputDelete": {"taskid": "{taskid}", "tasktoken": "{token}"},
    "File/FolderCreate": {"name": "new", "parentid": "{folderid}"},
    "File/Upload": {"folderid": "{folderid}"},
    "File/List": {"folderid": "{folderid}"},
    "File/Delete": {"id": "{fileid}"},
}
# With the token of an account, and the first one with a key too.
BY_TOKEN: dict[str, dict[str, str]] = {
    "Project/List": {"apikey": "{apikey}"},
    "Project/Create": {"name": "new"},
    "Project/Update": {"projectid": "{projectid}", "name": "stolen"},
    "Project/Regenerate": {"projectid": "{projectid}"},
    "Project/Delete": {"projectid": "{projectid}"},
    "Project/MemberList": {"projectid": "{projectid}"},
    "Project/MemberAdd": {"projectid": "{projectid}", "email": "{stranger}", "role": "owner"},
    "Project/MemberRemove": {"projectid": "{projectid}", "email": "{owner}"},
    "User/Detail": {},
    "Auth/Signout": {},
    "Auth/PasswordUpdate": {"password": PASSWORD, "newpassword": "another horse battery"},
    "Auth/SessionList": {},
    "Auth/SessionDelete": {"id": "{sessionid}"},
    "Auth/TwoFactor/Prepare": {},
    "Auth/TwoFactor/Enable": {"password": PASSWORD, "secret": "x", "authcode": "000000"},
    "Auth/TwoFactor/Disable": {"password": PASSWORD},
}
PUBLIC = {
    "Tool/List",
    "Tool/Detail",
    "Tool/Explore",
    "Tool/DetailOpenAPI",
    "Auth/Signup/EmailAndPassword",
    "Auth/Signin/EmailAndPassword",
    "Auth/Signin/EmailAndOneTimeCode",
    "Auth/SigninVerify",
}
UNKNOWN, INVALID = "Project authorization is not founded.", "Project authorization is not valid."
UNSIGNED = "Project requires signature authentication. x-signature and x-nonce headers are required."
ELSEWHERE = "Requested ip 127.0.0.1 is not allowed."
NO_TOKEN, BAD_TOKEN, OLD_TOKEN = (
    "Authorization bearer token is not founded in headers.",
    "Authorization bearer token is invalid.",
    "Authorization bearer token expired.",
)


@dataclass(frozen=True)
class Victim:
    """Somebody with a project that has a task with an output, a folder and an upload. `names`: all that could be asked for or leak."""

    person: Person
    client: httpx.Client
    names: dict[str, str]
    output: str

    def state(self) -> Any:
        """All that a stranger could have changed."""
        task = record(self.client, taskid=self.names["taskid"])
        files = self.client.post("/File/List", json={"folderid": self.names["folderid"]}).json()
        projects = self.person.call("/Project/List")["project"]
        members = self.person.call("/Project/MemberList", projectid=self.names["projectid"])
        still = [{name: value for name, value in project.items() if name != "requestCount"} for project in projects]
        return task, files, still, members, self.client.get(self.output).status_code


@dataclass(frozen=True)
class Stranger:
    """Headers that must not help, and what they are answered."""

    name: str
    headers: dict[str, str]
    text: str


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("strangers"), signup="open")
    live.start()
    # The first one manages the server, and would see the projects of all others.
    new_person(live).client.close()
    yield live
    live.stop()


@pytest.fixture(scope="module")
def victim(open_server: LiveServer) -> Iterator[Victim]:
    person = new_person(open_server)
    project = person.project("victim's project")
    client = open_server.client(**{"x-api-key": project["apikey"]})
    task = run(client, text="secret words of the victim")
    with socket_to(open_server) as socket:
        socket.register(task["socketaccesstoken"])
        socket.until("task_postprocess_end")
    folder = client.post("/File/FolderCreate", json={"name": "victims-folder"}).json()["list"][0]
    parts = {"file": ("victims.txt", b"the victim's upload", "text/plain")}
    upload = client.post("/File/Upload", data={"folderid": folder["id"]}, files=parts).json()["list"][0]
    names = {
        "taskid": task["taskid"],
        "token": task["socketaccesstoken"],
        "folderid": folder["id"],
        "fileid": upload["id"],
        "projectid": project["id"],
        "projectuuid": project["uuid"],
        "apikey": project["apikey"],
        "owner": person.email,
        "sessionid": person.call("/Auth/SessionList")["list"][0]["id"],
    }
    output = record(client, taskid=task["taskid"])["outputs"][0]["url"]
    yield Victim(person, client, names, output)
    client.close()
    person.client.close()


@pytest.fixture(scope="module")
def nobody(open_server: LiveServer) -> Iterator[httpx.Client]:
    """A client without any proof; making one for each takes longer than what it sends."""
    with open_server.client() as client:
        yield client


@pytest.fixture(scope="module")
def stranger(open_server: LiveServer) -> Iterator[Person]:
    person = new_person(open_server)
    yield person
    person.client.close()


def filled(fields: dict[str, str], victim: Victim, stranger: str = "stranger@example.org") -> dict[str, str]:
    return {name: value.format(stranger=stranger, **victim.names) for name, value in fields.items()}


def send(client: httpx.Client, path: str, fields: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
    if path == "File/Upload":
        return client.post(f"/{path}", data=fields, files={"file": ("a.txt", b"text", "text/plain")}, headers=headers)
    return client.post(f"/{path}", json=fields, headers=headers)


def refusal(code: int, text: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": text}], "result": False}


@proves("isolation.keys", "isolation.tokens")
def test_every_route_is_in_one_of_the_lists(server: LiveServer) -> None:
    lists = (BY_KEY.keys() - {"Run/gesso/echo", "Run/gesso/echo/sync"}, BY_TOKEN.keys(), PUBLIC)
    listed = [path for paths in lists for path in paths]
    assert len(listed) == len(set(listed))
    assert set(listed) == Wiro(server.house.services).paths


@pytest.fixture(scope="module")
def bad_keys(open_server: LiveServer, victim: Victim) -> list[Stranger]:
    """Keys that are unknown, replaced, of a deleted project, used from elsewhere, or not signed."""
    person = victim.person
    replaced, deleted, elsewhere = person.project(), person.project(), person.project()
    signing = person.project("signing", "signature")
    keys = [{"x-api-key": project["apikey"]} for project in (replaced, deleted, elsewhere, signing)]
    for headers in keys[:3]:
        with open_server.client(**headers) as client:
            # Remembered by the server from here on.
            assert client.post("/Task/List", json={}).status_code == 200
    person.call("/Project/Regenerate", projectid=replaced["id"])
    person.call("/Project/Delete", projectid=deleted["id"])
    person.call("/Project/Update", projectid=elsewhere["id"], ipwhitelist=["10.0.0.0/8"])
    return [
        Stranger("no key", {}, UNKNOWN),
        Stranger("an unknown key", {"x-api-key": "nobody-has-this-key"}, UNKNOWN),
        Stranger("a key that was replaced", keys[0], UNKNOWN),
        Stranger("a key of a deleted project", keys[1], UNKNOWN),
        Stranger("a key from elsewhere", keys[2], ELSEWHERE),
        Stranger("a key that claims to be there", {**keys[2], "x-forwarded-for": "10.0.0.1"}, ELSEWHERE),
        Stranger("no signature", keys[3], UNSIGNED),
        Stranger("a false signature", {**keys[3], "x-nonce": "1", "x-signature": "0" * 64}, INVALID),
        Stranger("the secret of another", {"x-api-key": f"{signing['apikey']}:{replaced['apisecret']}"}, INVALID),
        Stranger("a session", {"authorization": f"Bearer {person.token}"}, UNKNOWN),
        Stranger("two keys", {"x-api-key": victim.names["apikey"], "authorization": "Bearer another"}, UNKNOWN),
    ]


@pytest.mark.parametrize("path", BY_KEY)
@proves("isolation.keys", "auth.address", "project.regenerate", "project.deleted")
def test_a_key_that_is_not_good_gets_the_refusal_and_nothing_else(
    nobody: httpx.Client, victim: Victim, bad_keys: list[Stranger], path: str
) -> None:
    before = victim.state()
    for bad in bad_keys:
        answer = send(nobody, path, filled(BY_KEY[path], victim), bad.headers)
        assert (answer.status_code, answer.json()) == (401, refusal(0, bad.text)), bad.name
    assert victim.state() == before


@proves("isolation.keys", "project.list")
def test_a_project_list_by_a_key_that_is_not_good_is_refused(open_server: LiveServer, bad_keys: list[Stranger]) -> None:
    for bad in bad_keys:
        if "x-api-key" in bad.headers:
            with open_server.client(**bad.headers) as client:
                answer = client.post("/Project/List", json={})
            assert (answer.status_code, answer.json()) == (401, refusal(0, bad.text)), bad.name


@pytest.fixture(scope="module")
def bad_tokens(open_server: LiveServer, victim: Victim) -> list[Stranger]:
    person, house = victim.person, open_server.house
    with open_server.client() as client:
        body = {"email": person.email, "password": PASSWORD}
        gone, old = (client.post("/Auth/Signin/EmailAndPassword", json=body).json()["token"] for _ in range(2))
    with bearer(open_server, gone) as client:
        client.post("/Auth/Signout", json={})

    async def pending_and_old() -> str:
        session, user = await house.services.sessions.find(old, "127.0.0.1")
        over = ("UPDATE sessions SET expires_at = created_at WHERE id = ?", (session.id,))
        await house.store.database.call(lambda connection: connection.exec_driver_sql(*over) and None)
        return await house.services.sessions.open(user, "127.0.0.1", is_pending=True)

    pending = open_server.call(pending_and_old)
    words = (
        ("no token", "", NO_TOKEN),
        ("another scheme", "Basic abc", NO_TOKEN),
        ("nonsense", "Bearer nonsense", BAD_TOKEN),
        ("nobody's token", "Bearer gs_nobody", BAD_TOKEN),
        ("a token that was signed out", f"Bearer {gone}", BAD_TOKEN),
        ("a token that is over", f"Bearer {old}", OLD_TOKEN),
        ("half a sign-in", f"Bearer {pending}", BAD_TOKEN),
        ("a longer token", f"Bearer {person.token}x", BAD_TOKEN),
    )
    return [Stranger(name, {"authorization": given} if given else {}, text) for name, given, text in words]


@pytest.mark.parametrize("path", BY_TOKEN)
@proves("isolation.tokens", "account.bearer")
def test_a_token_that_is_not_good_gets_the_refusal_and_nothing_else(
    nobody: httpx.Client, victim: Victim, bad_tokens: list[Stranger], path: str
) -> None:
    before = victim.state()
    for bad in bad_tokens:
        answer = send(nobody, path, filled(BY_TOKEN[path], victim), bad.headers)
        assert (answer.status_code, answer.json()) == (401, refusal(99, bad.text)), bad.name
    if path != "Project/List":
        # A key is no token, in whatever header.
        for headers in ({"x-api-key": victim.names["apikey"]}, {"authorization": f"Bearer {victim.names['apikey']}"}):
            assert send(nobody, path, filled(BY_TOKEN[path], victim), headers).status_code == 401
    assert victim.state() == before


@pytest.mark.parametrize("path", [path for path in BY_KEY if not path.startswith("Run/")])
@proves("isolation.foreign", "detail.foreign")
def test_another_project_sees_and_changes_nothing(open_server: LiveServer, victim: Victim, path: str) -> None:
    before = victim.state()
    fields = filled(BY_KEY[path], victim)
    with open_server.client(open_server.other) as client:
        answers = [send(client, path, given) for given in (fields, *({name: value} for name, value in fields.items()), {})]
    for answer in answers:
        assert answer.status_code == 200
        leaks = [name for name in ("token", "fileid", "projectuuid", "apikey") if victim.names[name] in answer.text]
        assert not leaks
        assert "victim" not in answer.text
    if fields:
        assert answers[0].json()["result"] is False
    assert victim.state() == before


@pytest.mark.parametrize("path", [path for path in BY_TOKEN if path.startswith("Project/")])
@proves("isolation.foreign")
def test_another_account_sees_and_changes_nothing(victim: Victim, stranger: Person, path: str) -> None:
    before = victim.state()
    fields = filled(BY_TOKEN[path], victim, stranger.email)
    names = [{"projectid": victim.names[name]} for name in ("projectid", "projectuuid")] + [{"apikey": victim.names["apikey"]}]
    for name in names:
        given = {key: value for key, value in fields.items() if key not in ("projectid", "apikey")} | name
        answer = send(stranger.client, path, given)
        assert "victim" not in answer.text
        if path == "Project/List":
            assert answer.json()["project"] == [] or "apikey" not in given
        elif path != "Project/Create":
            assert (answer.status_code, answer.json()) == (200, refusal(1, "project-not-exist"))
    stranger.call("/Auth/SessionDelete", id=victim.names["sessionid"])
    victim.person.call("/User/Detail")
    assert victim.state() == before


@pytest.mark.parametrize("path", sorted(PUBLIC))
@proves("auth.public", "isolation.keys")
def test_public_routes_answer_the_same_with_a_bad_key(open_server: LiveServer, path: str) -> None:
    fields = {"slugowner": "gesso", "slugproject": "echo"} if path.startswith("Tool/") else {}
    answers = []
    for headers in ({}, {"x-api-key": "nobody"}, {"authorization": "Bearer nobody"}):
        with open_server.client(**headers) as client:
            answers.append(client.post(f"/{path}", json=fields))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


@proves("isolation.keys", "account.throttled")
def test_whoever_tries_many_keys_is_told_to_wait_and_keys_in_use_go_on(tmp_path_factory: pytest.TempPathFactory) -> None:
    live = LiveServer(tmp_path_factory.mktemp("guessed"))
    live.start()
    try:
        with live.client(live.key) as good, live.client() as bad:
            statuses = []
            while 429 not in statuses:
                assert good.post("/Task/List", json={}).status_code == 200
                answer = bad.post("/Task/Detail", json={}, headers={"x-api-key": f"guess{len(statuses)}"})
                statuses.append(answer.status_code)
            assert set(statuses) == {401, 429}
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["result"] is False
            assert good.post("/Task/List", json={}).status_code == 200
    finally:
        live.stop()


@proves("isolation.keys")
def test_a_key_is_compared_whole(open_server: LiveServer) -> None:
    key: Key = open_server.new_key(AuthMethod.KEY)
    for given in (key.api_key[:-1], key.api_key + "x", key.api_key.swapcase(), key.api_secret):
        with open_server.client(**{"x-api-key": given}) as client:
            answer = client.post("/Task/Detail", json={"taskid": "1"})
        assert (answer.status_code, answer.json()) == (401, refusal(0, UNKNOWN))
