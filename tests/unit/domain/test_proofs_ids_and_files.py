"""Signatures, address lists, identifiers, file names and file types."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain.errors import AddressNotAllowed, GessoError, SignatureInvalid, SignatureMissing, leaves
from gesso.domain.file import extension_of, extension_of_type, likeness, output_key, safe_name, sniff, true_type, type_of_name
from gesso.domain.ids import new_access_key, new_digits, new_secret, new_token, new_uuid
from gesso.domain.model import clean
from gesso.domain.project import AuthMethod, Key, signature, verify
from gesso.testing import make_key, make_project

SIGNED = make_key(make_project(auth_method=AuthMethod.SIGNATURE))


def test_the_signature_is_the_one_that_clients_compute() -> None:
    assert signature("k", "s", "1") == "38aeb20015af4b6ac8dccf4fdedf8ab01c83b980763c0710e75c25ee5c97d420"


def test_a_right_signature_is_let_in() -> None:
    verify(SIGNED, "17", signature(SIGNED.api_key, SIGNED.api_secret, "17"), "1.2.3.4")


@pytest.mark.parametrize(("nonce", "given_signature"), [("", ""), ("1", ""), ("", "a" * 64)])
def test_a_project_that_signs_needs_nonce_and_signature(nonce: str, given_signature: str) -> None:
    with pytest.raises(SignatureMissing):
        verify(SIGNED, nonce, given_signature, "1.2.3.4")


@given(st.text(min_size=1))
def test_any_other_signature_is_refused(given_signature: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(SIGNED, "1", given_signature, "1.2.3.4")


def test_a_signature_for_another_nonce_is_refused() -> None:
    with pytest.raises(SignatureInvalid):
        verify(SIGNED, "2", signature(SIGNED.api_key, SIGNED.api_secret, "1"), "1.2.3.4")


@pytest.mark.parametrize(
    ("allowed", "address", "is_let_in"),
    [
        ((), "9.9.9.9", True),
        (("*",), "9.9.9.9", True),
        (("10.0.0.0/8",), "10.1.2.3", True),
        (("10.0.0.0/8",), "11.1.2.3", False),
        (("10.1.2.3",), "10.1.2.3", True),
        (("10.0.0.0/8",), "::ffff:10.1.2.3", True),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "10.1.2.3", False),
        (("nonsense", "10.1.2.3"), "10.1.2.3", True),
        (("10.1.2.3",), "", False),
    ],
)
def test_addresses_are_let_in_by_the_list(allowed: tuple[str, ...], address: str, is_let_in: bool) -> None:
    key = Key("k", "s", make_project(allowed_addresses=allowed))
    if is_let_in:
        verify(key, "", "", address)
    else:
        with pytest.raises(AddressNotAllowed):
            verify(key, "", "", address)


def test_identifiers_are_words_that_no_parser_takes_for_a_number() -> None:
    for make, length in ((new_token, 30), (new_access_key, 30), (new_secret, 40)):
        words = {make() for _ in range(500)}
        assert len(words) == 500
        assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]+", word) and len(word) == length for word in words)
    assert len({new_uuid() for _ in range(100)}) == 100
    assert all(re.fullmatch(r"\d{7}", new_digits(7)) for _ in range(100))


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a.png", "a.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\b.jpg", "b.jpg"),
        ("..", "file"),
        ("", "file"),
        ("a\r\nb.png", "a_b.png"),
        ("a\x00b.png", "a_b.png"),
        ('a"b;c.png', "a_b_c.png"),
        ("été (2).png", "été (2).png"),
        ("x" * 300 + ".jpeg", "x" * 100 + ".jpeg"),
    ],
)
def test_file_names_are_made_safe(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@given(st.text())
def test_a_safe_name_has_no_folder_no_control_character_and_an_end(name: str) -> None:
    safe = safe_name(name)
    assert 0 < len(safe) <= 120
    assert not re.search(r"[/\\\x00-\x1f\x7f\"]", safe)
    assert safe not in (".", "..")


HEADS = {
    b"\x89PNG\r\n\x1a\n0000": "image/png",
    b"\xff\xd8\xff\xe0": "image/jpeg",
    b"GIF89a": "image/gif",
    b"RIFF\x00\x00\x00\x00WEBPVP8 ": "image/webp",
    b"RIFF\x00\x00\x00\x00WAVEfmt ": "audio/wav",
    b"\x00\x00\x00\x18ftypheic": "image/heic",
    b"\x00\x00\x00\x18ftypisom": "video/mp4",
    b"\x00\x00\x00\x18ftypqt  ": "video/quicktime",
    b"%PDF-1.7": "application/pdf",
    b"PK\x03\x04": "application/zip",
    b'\x50\x00\x00\x00\x00\x00\x00\x00{"__meta': "application/vnd.safetensors",
    b'BM\x01\x00\x00\x00\x00\x00{"a":': "application/vnd.safetensors",
    b'{"a": 1}{"b": 2}': "",
    b"<svg xmlns=": "",
    b"": "",
}


@pytest.mark.parametrize(("head", "content_type"), HEADS.items())
def test_types_are_seen_in_the_first_bytes(head: bytes, content_type: str) -> None:
    assert sniff(head) == content_type


def test_bytes_win_over_the_name_and_a_name_cannot_promise_a_picture() -> None:
    assert true_type(b"\x89PNG\r\n\x1a\n", "a.txt") == "image/png"
    assert true_type(b"words", "a.png") == "application/octet-stream"
    assert true_type(b"words", "a.mp4") == "application/octet-stream"
    assert true_type(b"words", "a.safetensors") == "application/octet-stream"
    assert true_type(b"words", "a.txt") == "text/plain"
    assert true_type(b"PK\x03\x04", "a.docx").endswith("wordprocessingml.document")
    assert true_type(b"PK\x03\x04", "a.png") == "application/zip"


LIKENESSES = {
    b"<!DOCTYPE html><title>Sign in</title>": "a web page",
    b"\xef\xbb\xbf \r\n<!-- cached --> <HTML lang=en>": "a web page",
    b'<svg xmlns="http://www.w3.org/2000/svg">': "an SVG drawing",
    b'<?xml version="1.0"?>\n<!-- drawn --><svg>': "an SVG drawing",
    b'<?xml version="1.0"?><rss>': "text",
    b'{"error": "not found"}': "text",
    "déjà vu".encode()[:-1] + "é".encode()[:1]: "text",
    b"\x00\x01\x02": "",
    b"\xff\xfe<\x00h\x00": "",
    b"\x89PNG\r\n\x1a\n": "",
    b"": "",
}


@pytest.mark.parametrize(("head", "words"), LIKENESSES.items())
def test_what_a_file_without_a_type_looks_like_is_told_in_words(head: bytes, words: str) -> None:
    assert likeness(head) == words


def test_a_head_that_is_made_to_be_slow_to_read_is_not() -> None:
    assert likeness(b"<!---->" * 73) == "text"


def test_extensions_and_types_belong_together() -> None:
    assert extension_of("a.TAR.GZ") == "gz"
    assert extension_of("noextension") == ""
    assert extension_of("a.<x>") == ""
    for content_type in ("image/png", "image/jpeg", "text/plain", "application/zip"):
        assert type_of_name(f"a.{extension_of_type(content_type)}") == content_type
    assert extension_of_type("image/jpeg; charset=x") == "jpg"
    assert extension_of_type("x/unknown") == "bin"


def test_slugs_have_one_clean_spelling() -> None:
    assert clean("FLUX.1-Fill_dev") == "flux-1-fill-dev"


def test_every_error_has_a_slug_of_its_own_and_a_sentence() -> None:
    found = leaves()
    assert len({leaf.slug for leaf in found}) == len(found)
    assert all(leaf.sentence.endswith((".", "}")) for leaf in found)
    assert all(issubclass(leaf, GessoError) for leaf in found)


@given(st.integers(0, 63), st.integers(0, 63))
def test_the_keys_of_outputs_follow_from_their_stem_and_from_nothing_else(one: int, other: int) -> None:
    stem = new_access_key()
    key = output_key(stem, one)
    assert re.fullmatch(r"[A-Za-z][a-p]{29}", key)
    assert key[0] == stem[0]
    assert (key == output_key(stem, other)) == (one == other)
    assert key != output_key(new_access_key(), one)


def test_no_word_is_given_twice() -> None:
    words = [new_access_key() for _ in range(1000)]
    assert len(set(words)) == 1000
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9]{29}", word) for word in words)
