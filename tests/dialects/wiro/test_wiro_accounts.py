"""Signing up and in, and projects, over the wire."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from requirements import proves
from wiro_people import PASSWORD, Person, bearer, new_person
from wiro_server import LiveServer, record, run, running, socket_to

from gesso.domain import second_factor
from gesso.domain.limits import SIGNINS_PER_PAIR_BURST_COUNT
from gesso.domain.project import signature


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    live = LiveServer(tmp_path_factory.mktemp("people"), signup="open")
    live.start()
    # The first one manages the server, and would see the projects of all others.
    new_person(live).client.close()
    yield live
    live.stop()


@pytest.fixture
def ada(open_server: LiveServer) -> Iterator[Person]:
    person = new_person(open_server)
    yield person
    person.client.close()


@pytest.fixture
def bob(open_server: LiveServer) -> Iterator[Person]:
    person = new_person(open_server)
    yield person
    person.client.close()


@proves("account.signin", "account.signup")
def test_a_sign_in_answers_what_the_go_client_decodes(open_server: LiveServer, ada: Person) -> None:
    with open_server.client() as client:
        answer = client.post("/Auth/Signin/EmailAndPassword", json={"email": f" {ada.email.upper()}", "password": PASSWORD}).json()
    required = {name: answer[name] for name in ("emailverifyrequired", "phoneverifyrequired", "twofactorverifyrequired")}
    assert required == {"emailverifyrequired": 0, "phoneverifyrequired": 0, "twofactorverifyrequired": 0}
    # It asks for a code whenever this is not empty.
    assert answer["verifytoken"] == ""
    assert answer["user"]["email"] == ada.email
    with bearer(open_server, answer["token"]) as client:
        assert client.post("/User/Detail", json={}).json()["user"] == answer["user"]


@pytest.mark.parametrize("name", ["code", "authcode"])
@proves("account.verify", "account.signin")
def test_a_second_factor_makes_two_steps_of_a_sign_in(open_server: LiveServer, ada: Person, name: str) -> None:
    prepared = ada.call("/Auth/TwoFactor/Prepare")
    step = second_factor.step_at(open_server.house.store.clock.now())
    # Of the codes that hold now, those that hold for half a minute more, in case the next one begins meanwhile.
    first, second = (second_factor.code(prepared["secret"], step + aside) for aside in (0, 1))
    ada.call("/Auth/TwoFactor/Enable", password=PASSWORD, secret=prepared["secret"], authcode=first)
    with open_server.client() as client:
        answer = client.post("/Auth/Signin/EmailAndPassword", json={"email": ada.email, "password": PASSWORD}).json()
        assert (answer["token"], answer["twofactorverifyrequired"], answer["user"]) == ("", 1, {})
        wrong = client.post("/Auth/SigninVerify", json={"verifytoken": answer["verifytoken"], "code": "000000"}).json()
        assert (wrong["result"], wrong["errors"][0]["code"]) == (False, 1)
        fields = {"code": "ignored", "verifytoken": answer["verifytoken"]} | {name: second}
        signed = client.post("/Auth/SigninVerify", json=fields).json()
    assert (signed["result"], signed["user"]["twofactor"]) == (True, 1), signed
    with bearer(open_server, signed["token"]) as client:
        assert client.post("/User/Detail", json={}).json()["result"]
    ada.call("/Auth/TwoFactor/Disable", password=PASSWORD)


@proves("account.refused", "account.throttled")
def test_wrong_passwords_are_one_refusal_and_then_too_many(open_server: LiveServer, ada: Person) -> None:
    texts = set()
    with open_server.client(**{"x-forwarded-for": "9.9.9.9"}) as client:
        for email in (ada.email, "nobody@example.org", "no address"):
            answer = client.post("/Auth/Signin/EmailAndPassword", data={"email": email, "password": "wrong password"})
            texts.add((answer.status_code, answer.text))
        assert len(texts) == 1
        status, text = texts.pop()
        assert (status, '"code":1' in text) == (200, True)
        for _ in range(SIGNINS_PER_PAIR_BURST_COUNT):
            answer = client.post("/Auth/Signin/EmailAndPassword", json={"email": ada.email, "password": "wrong password"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 30
    assert (answer.json()["result"], answer.json()["errors"][0]["code"]) == (False, 0)
    # Sessions go on.
    ada.call("/User/Detail")


@proves("account.mail")
def test_no_code_comes_by_mail(open_server: LiveServer, ada: Person) -> None:
    assert "sends no e-mail" in ada.refused("/Auth/Signin/EmailAndOneTimeCode", email=ada.email)


@proves("account.signup")
def test_a_sign_up_is_checked(ada: Person) -> None:
    path = "/Auth/Signup/EmailAndPassword"
    assert "already" in ada.refused(path, email=ada.email, password=PASSWORD)
    assert "10 characters" in ada.refused(path, email="new@example.org", password="short")
    assert ada.refused(path, email="new@example.org") == "Request parameter [password] required"
    assert ada.refused(path, password=PASSWORD) == "Request parameter [email] required"
    assert "a text of" in ada.refused(path, email="new@example.org", password=1234567890)


@proves("account.signup")
def test_a_server_takes_its_first_visitor_only_by_default(server: LiveServer) -> None:
    with server.client() as client:
        answers = [
            client.post("/Auth/Signup/EmailAndPassword", json={"email": f"{name}@example.org", "password": PASSWORD}).json()
            for name in ("first", "second")
        ]
    assert [answer["result"] for answer in answers] == [True, False]
    assert answers[0]["user"]["isadmin"] is True
    assert "takes no new accounts" in answers[1]["errors"][0]["message"]


@proves("account.sessions", "account.bearer")
def test_sessions_are_listed_and_ended(open_server: LiveServer, ada: Person) -> None:
    def sign_in(password: str = PASSWORD) -> Person:
        with open_server.client(**{"user-agent": "another program"}) as client:
            answer = client.post("/Auth/Signin/EmailAndPassword", json={"email": ada.email, "password": password}).json()
        return Person(ada.email, answer["token"], bearer(open_server, answer["token"]))

    others = [sign_in() for _ in range(3)]
    listed = ada.call("/Auth/SessionList")["list"]
    assert [one["iscurrent"] for one in listed] == [False, False, False, True]
    assert listed[0]["useragent"] == "another program"
    ada.call("/Auth/SessionDelete", id=listed[0]["id"])
    assert others[2].refused("/User/Detail") == "Authorization bearer token is invalid."
    ada.call("/Auth/PasswordUpdate", password=PASSWORD, newpassword="another horse battery")
    assert others[1].refused("/User/Detail") == "Authorization bearer token is invalid."
    last = sign_in("another horse battery")
    last.call("/Auth/Signout", all="true")
    assert ada.refused("/User/Detail") == "Authorization bearer token is invalid."
    for other in (*others, last):
        other.client.close()


@proves("project.create", "project.list", "project.filter")
def test_projects_are_created_listed_and_changed(open_server: LiveServer, ada: Person) -> None:
    made = [ada.project("one"), ada.project("two", "signature")]
    assert [(one["name"], one["authmethod"], len(one["apisecret"])) for one in made] == [
        ("one", "apikey-only", 40),
        ("two", "signature", 40),
    ]
    listed = ada.call("/Project/List", uuid="me", apikey="")["project"]
    assert listed == [{name: value for name, value in one.items() if name != "apisecret"} for one in made]
    for name, value in listed[0].items():
        assert isinstance(value, list if name == "ipwhitelist" else type(None) if name == "slug" else str), name
    assert [one["name"] for one in ada.call("/Project/List", apikey=made[1]["apikey"])["project"]] == ["two"]
    changed = ada.call("/Project/Update", projectid=made[0]["id"], name="uno", description="first", ipwhitelist="10.0.0.1/8, ::1")
    assert {name: changed["project"][0][name] for name in ("name", "description", "ipwhitelist")} == {
        "name": "uno",
        "description": "first",
        "ipwhitelist": ["10.0.0.0/8", "::1"],
    }
    assert ada.call("/Project/Update", apikey=made[0]["apikey"], ipwhitelist=[])["project"][0]["name"] == "uno"
    assert "neither an address" in ada.refused("/Project/Update", projectid=made[0]["id"], ipwhitelist=["nonsense"])
    assert ada.refused("/Project/Update", name="x") == "Request parameter [projectid] required"


@proves("project.addresses")
def test_a_false_address_is_told_by_the_name_under_which_it_came(ada: Person) -> None:
    text = ada.refused("/Project/Update", projectid=ada.project()["id"], ipwhitelist=["nonsense"])
    assert text.startswith("Request parameter [ipwhitelist] cannot be used:")


@proves("auth.signed-in")
def test_a_program_that_is_signed_in_may_send_its_token_with_a_key(open_server: LiveServer, ada: Person) -> None:
    project = ada.project("mine")
    with open_server.client(**{"x-api-key": project["apikey"], "authorization": f"Bearer {ada.token}"}) as both:
        assert run(both)["result"]
        assert [one["name"] for one in both.post("/Project/List", json={}).json()["project"]] == ["mine"]
    with open_server.client(**{"x-api-key": "x" * 40, "authorization": f"Bearer {ada.token}"}) as false:
        assert false.post("/Task/List", json={}).status_code == 401


@proves("project.list", "project.filter")
def test_a_project_lists_itself_with_its_own_headers(open_server: LiveServer, ada: Person) -> None:
    plain, signing = ada.project("one"), ada.project("two", "signature")
    nonce = "5"
    signed = {"x-api-key": signing["apikey"], "x-nonce": nonce, "x-signature": signature(signing["apikey"], signing["apisecret"], nonce)}
    proofs = [({"x-api-key": plain["apikey"]}, "one"), (signed, "two"), ({"authorization": f"Bearer {plain['apikey']}"}, "one")]
    for headers, name in proofs:
        with open_server.client(**headers) as client:
            for _ in range(2):
                answer = client.post("/Project/List", json={"uuid": "me", "apikey": headers.get("x-api-key", "")}).json()
            assert [one["name"] for one in answer["project"]] == [name]
            assert int(answer["project"][0]["requestCount"]) >= 2
            assert client.post("/Project/List", json={"apikey": "another"}).json()["project"] == []


@proves("project.regenerate")
def test_a_new_key_replaces_the_old_one_before_the_answer(open_server: LiveServer, ada: Person) -> None:
    project = ada.project()
    with open_server.client(**{"x-api-key": project["apikey"]}) as old:
        run(old)
        made = ada.call("/Project/Regenerate", projectid=project["uuid"])["project"][0]
        assert old.post("/Run/gesso/echo", json={}).status_code == 401
    with open_server.client(**{"x-api-key": made["apikey"]}) as new:
        run(new)


@proves("project.members")
def test_members_use_a_project_and_owners_change_it(ada: Person, bob: Person) -> None:
    project = ada.project()
    added = ada.call("/Project/MemberAdd", projectid=project["id"], email=bob.email)
    assert [(one["email"], one["role"]) for one in added["list"]] == [(ada.email, "owner"), (bob.email, "member")]
    assert [one["apikey"] for one in bob.call("/Project/List")["project"]] == [project["apikey"]]
    assert bob.refused("/Project/Regenerate", projectid=project["id"]) == "You don't have any permission for this action."
    assert "at least one owner" in ada.refused("/Project/MemberRemove", projectid=project["id"], email=ada.email)
    ada.call("/Project/MemberAdd", projectid=project["id"], email=bob.email, role="owner")
    bob.call("/Project/MemberRemove", projectid=project["id"], email=ada.email)
    assert bob.call("/Project/MemberList", projectid=project["id"])["total"] == "1"
    assert ada.refused("/Project/MemberList", projectid=project["id"]) == "project-not-exist"
    assert bob.refused("/Project/MemberAdd", projectid=project["id"], email="nobody@example.org") == "user-not-exist: nobody@example.org"


@proves("project.deleted")
def test_what_a_deleted_project_had_is_not_found_and_its_tasks_are_killed(open_server: LiveServer, ada: Person) -> None:
    project = ada.project()
    with open_server.client(**{"x-api-key": project["apikey"]}) as client:
        done = run(client, text="hello", wait="0")
        with socket_to(open_server) as socket:
            socket.register(done["socketaccesstoken"])
            socket.until("task_postprocess_end")
        address = record(client, tasktoken=done["socketaccesstoken"])["outputs"][0]["url"]
        assert client.get(address).status_code == 200
        with running(open_server, client) as live, socket_to(open_server) as socket:
            socket.register(live["socketaccesstoken"])
            socket.until("task_output")
            ada.call("/Project/Delete", projectid=project["id"])
            # Whoever follows is told of the end.
            assert socket.until("task_cancel")
            assert client.get(address).status_code == 404
            assert client.post("/Task/Detail", json={"taskid": done["taskid"]}).status_code == 401
            for token in (done["socketaccesstoken"], live["socketaccesstoken"]):
                stream = client.get("/Task/Stream", params={"tasktoken": token})
                assert "hello" not in stream.text
                assert done["taskid"] not in stream.text
                with socket_to(open_server) as another:
                    another.register(token)
                    assert another.frame()["type"] == "error"
    assert ada.call("/Project/List")["project"] == []


@proves("project.deleted")
def test_a_project_that_is_deleted_beside_the_server_is_found_out(open_server: LiveServer) -> None:
    key = open_server.new_key(open_server.key.project.auth_method)
    with open_server.client(key) as client, running(open_server, client) as live, socket_to(open_server) as socket:
        socket.register(live["socketaccesstoken"])
        socket.until("task_output")
        # As the command line does it, without a word to the server.
        open_server.call(lambda: open_server.house.store.projects.delete(key.project.id))
        socket.until("task_cancel")
        assert client.post("/Task/Detail", json={"taskid": live["taskid"]}).status_code == 401
