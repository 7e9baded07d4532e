"""Headers to proofs, alone and against a live server."""

from __future__ import annotations

import base64
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requirements import proves
from wiro_server import LiveServer, run

from gesso.api.request import Request
from gesso.api.wiro.auth import bare_signature, proof_of
from gesso.api.wiro.errors import ROWS
from gesso.domain.errors import GessoError, KeyUnknown
from gesso.domain.limits import NONCE_MAX_CHARACTERS
from gesso.domain.project import AuthMethod, Key, Project, signature, verify

VECTOR = "38aeb20015af4b6ac8dccf4fdedf8ab01c83b980763c0710e75c25ee5c97d420"
SIGNING = Project(1, "u", "p", AuthMethod.SIGNATURE, 0)
PROOFLESS = {"errors": [{"code": 0, "message": "Project authorization is not founded."}], "result": False}
WORDS = st.text("abcXYZ019", min_size=8, max_size=40)


def _openssl(nonce: str, key: str, secret: str, *options: str) -> str:
    """What a shell's $(...) keeps of the published sample."""
    command = ["openssl", "dgst", "-sha256", "-hmac", key, *options]
    done = subprocess.run(command, input=(secret + nonce).encode(), capture_output=True, check=True)
    return done.stdout.decode().rstrip("\n")


def _headers(**headers: str) -> dict[bytes, bytes]:
    return {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}


@proves("auth.vector")
def test_the_published_vector_holds() -> None:
    assert signature("k", "s", "1") == VECTOR
    verify(Key("k", "s", SIGNING), "1", proof_of(_headers(x_api_key="k", x_nonce="1", x_signature=VECTOR), "").signature, "")


@pytest.mark.programs("openssl")
@pytest.mark.parametrize("options", [(), ("-r",)])
@proves("auth.openssl", "auth.vector")
def test_what_openssl_prints_is_a_signature(options: tuple[str, ...]) -> None:
    printed = _openssl("1734513807", "key-of-a-project", "its-secret", *options)
    assert bare_signature(printed) == signature("key-of-a-project", "its-secret", "1734513807")


@pytest.mark.parametrize(
    "text",
    [
        VECTOR,
        VECTOR.upper(),
        f"  {VECTOR} ",
        f"SHA2-256(stdin)= {VECTOR}",
        f"SHA256(stdin)= {VECTOR}",
        f"HMAC-SHA2-256(stdin)= {VECTOR}",
        f"HMAC-SHA256(stdin)= {VECTOR}",
        f"(stdin)= {VECTOR}",
        f"{VECTOR} *stdin",
        f"{VECTOR}  -",
    ],
)
@proves("auth.openssl")
def test_every_spelling_of_a_signature_is_its_digits(text: str) -> None:
    assert bare_signature(text) == VECTOR


@given(st.text(max_size=200))
@proves("auth.openssl", "auth.invalid")
def test_any_text_as_a_signature_is_digits_or_matches_nothing(text: str) -> None:
    bare = bare_signature(text)
    is_digits = len(bare) == 64 and set(bare) <= set("0123456789abcdef")
    assert is_digits or bare == ("unreadable" if text else "")


@given(st.dictionaries(st.sampled_from([b"x-api-key", b"authorization", b"x-nonce", b"x-signature"]), st.binary(max_size=300)))
@proves("auth.unknown-key", "auth.nonce")
def test_no_header_bytes_break_the_server(headers: dict[bytes, bytes]) -> None:
    try:
        proof = proof_of(headers, "127.0.0.1")
    except KeyUnknown:
        return
    assert len(proof.nonce) <= NONCE_MAX_CHARACTERS
    try:
        verify(Key(proof.api_key, "secret", SIGNING), proof.nonce, proof.signature, proof.address)
    except GessoError:
        return
    raise AssertionError("random bytes were accepted")


@given(WORDS, WORDS, st.text(min_size=1, max_size=NONCE_MAX_CHARACTERS).filter(lambda text: text == text.strip()))
@proves("auth.signature", "auth.nonce")
def test_a_signature_over_any_nonce_is_accepted(key: str, secret: str, nonce: str) -> None:
    headers = _headers(x_api_key=key, x_nonce=nonce, x_signature=signature(key, secret, nonce))
    proof = proof_of(headers, "")
    verify(Key(key, secret, SIGNING), proof.nonce, proof.signature, "")


@given(WORDS, WORDS, st.booleans(), st.booleans())
@proves("auth.pair")
def test_a_secret_sent_along_is_a_full_proof(key: str, secret: str, is_url_safe: bool, is_padded: bool) -> None:
    pair = f"{key}:{secret}"
    encoded = (base64.urlsafe_b64encode if is_url_safe else base64.b64encode)(pair.encode()).decode()
    spelled = [
        _headers(x_api_key=pair),
        _headers(authorization=f"Bearer {pair}"),
        _headers(authorization=f"bearer {encoded if is_padded else encoded.rstrip('=')}"),
        _headers(x_api_key=key, authorization=f"Bearer {pair}"),
        _headers(x_api_key=pair, authorization=f"Bearer {key}", x_nonce="77"),
    ]
    for headers in spelled:
        proof = proof_of(headers, "")
        assert proof.api_key == key
        verify(Key(key, secret, SIGNING), proof.nonce, proof.signature, "")
        with pytest.raises(GessoError):
            verify(Key(key, secret + "x", SIGNING), proof.nonce, proof.signature, "")


@given(WORDS)
@proves("auth.pair")
def test_a_key_is_not_mistaken_for_base64_of_a_pair(key: str) -> None:
    assert proof_of(_headers(authorization=f"Bearer {key}"), "").api_key == key


@proves("auth.agree")
def test_two_keys_that_differ_are_none() -> None:
    with pytest.raises(KeyUnknown):
        proof_of(_headers(x_api_key="one", authorization="Bearer two"), "")
    with pytest.raises(KeyUnknown):
        proof_of(_headers(x_api_key="one:first", authorization="Bearer one:second"), "")


@proves("auth.key-only")
def test_a_key_only_project_ignores_nonce_and_signature(server: LiveServer) -> None:
    with server.client(server.key, **{"x-nonce": "n" * 500, "x-signature": "wrong"}) as client:
        assert client.post("/Task/Detail", json={"tasktoken": "x"}).status_code == 200


@pytest.mark.programs("openssl")
@proves("auth.signature", "auth.openssl", "auth.nonce")
def test_the_published_shell_sample_is_let_in_again_and_again(server: LiveServer) -> None:
    key, nonce = server.signing, "1734513807"
    headers = {"x-nonce": nonce, "x-api-key": key.api_key, "x-signature": _openssl(nonce, key.api_key, key.api_secret)}
    with server.client(**headers) as client:
        answer = run(client)
        for _ in range(2):
            assert client.post("/Task/Detail", json={"taskid": answer["taskid"]}).json()["result"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "Project authorization is not founded."),
        ({"x-api-key": "nobody-has-this-key"}, "Project authorization is not founded."),
        ({"authorization": "Basic abc"}, "Project authorization is not founded."),
    ],
)
@proves("auth.unknown-key", "ground.envelope")
def test_without_a_known_key_nothing_is_told(server: LiveServer, headers: dict[str, str], text: str) -> None:
    with server.client(**headers) as client:
        for path in ("/Run/gesso/echo", "/Run/gesso/echo/sync", "/Task/Detail", "/Task/Kill", "/Task/Cancel"):
            answer = client.post(path, json={})
            assert (answer.status_code, answer.json()) == (401, PROOFLESS)


@proves("run.no-guests", "auth.unknown-key")
def test_no_model_asks_a_guest_to_sign_in(server: LiveServer) -> None:
    with server.client() as guest:
        tools = guest.post("/Tool/List", json={"limit": 100}).json()["tool"]
        assert {tool["onlymembers"] for tool in tools} == {"0"}, "whoever has a key is no guest, and nobody runs without"
        for tool in tools:
            answer = guest.post(f"/Run/{tool['slugowner']}/{tool['slugproject']}", json={})
            assert (answer.status_code, answer.json()) == (401, PROOFLESS)
    assert 98 not in {row.code for row in ROWS.values()}


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "Project requires signature authentication. x-signature and x-nonce headers are required."),
        ({"x-nonce": "1"}, "Project requires signature authentication. x-signature and x-nonce headers are required."),
        ({"x-signature": VECTOR}, "Project requires signature authentication. x-signature and x-nonce headers are required."),
        ({"x-nonce": "1", "x-signature": VECTOR}, "Project authorization is not valid."),
        ({"x-nonce": "1", "x-signature": "SHA2-256(stdin)="}, "Project authorization is not valid."),
        ({"x-nonce": "1" * 129, "x-signature": VECTOR}, "Project authorization is not valid."),
    ],
)
@proves("auth.missing", "auth.invalid", "auth.nonce")
def test_a_signature_project_says_what_is_wrong(server: LiveServer, headers: dict[str, str], text: str) -> None:
    with server.client(**({"x-api-key": server.signing.api_key} | headers)) as client:
        answer = client.post("/Run/gesso/echo", json={})
    assert answer.status_code == 401
    assert answer.json() == {"errors": [{"code": 0, "message": text}], "result": False}


@proves("auth.n8n")
def test_the_n8n_credential_test(server: LiveServer) -> None:
    for key, status in ((server.key, 200), (server.signing, 401)):
        with server.client(**{"x-api-key": key.api_key}) as client:
            answer = client.post("/Task/Detail", json={"tasktoken": "test"})
        assert answer.status_code == status
        assert answer.json()["result"] is False


@proves("auth.public")
def test_public_calls_do_not_look_at_keys(server: LiveServer) -> None:
    for headers in ({}, {"x-api-key": "nobody"}, {"x-api-key": server.signing.api_key}):
        with server.client(**headers) as client:
            assert client.post("/Tool/Detail", json={"slugowner": "gesso", "slugproject": "echo"}).json()["result"]
            assert client.get("/File/unknown/x.png").status_code == 404


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", ["1.2.3.4"], "9.9.9.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("::ffff:10.0.0.1", ["1.2.3.4"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6, 1.2.3.4, 10.0.0.2"], "1.2.3.4"),
        ("10.0.0.1", ["6.6.6.6", "1.2.3.4:5555"], "1.2.3.4"),
        ("10.0.0.1", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["unknown"], "unknown"),
    ],
)
@proves("auth.proxy", "auth.address")
def test_a_forwarded_address_counts_from_a_trusted_proxy_only(peer: str, forwarded: list[str], address: str) -> None:
    async def never() -> dict[str, str]:
        raise AssertionError("nothing is received")

    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    request = Request({"type": "http", "client": (peer, 5), "headers": headers}, never)
    assert request.address(("10.0.0.0/8",)) == address
    assert request.address(()) == peer
