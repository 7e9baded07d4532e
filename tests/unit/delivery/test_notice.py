"""Signatures by the published example, hosts, and due times; what a receiver's answer may hold."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gesso.delivery.webhooks import printable, retry_after_s
from gesso.domain.limits import WEBHOOK_BACKOFF_S, WEBHOOK_JITTER, WEBHOOK_RETRY_AFTER_MAX_S
from gesso.domain.notice import due_after, host_of, notice_id, sign, webhook_secret

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_the_signature_of_the_published_example() -> None:
    # Standard Webhooks, the reference libraries' test.
    body = b'{"test": 2432232314}'
    signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_written_as_receivers_read_it(key: bytes) -> None:
    secret = webhook_secret(key)
    assert base64.b64decode(secret.removeprefix("whsec_"), validate=True) == key
    assert sign(secret, "id", 1, b"") == sign(secret.removeprefix("whsec_"), "id", 1, b"")


def test_a_secret_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="not a webhook secret"):
        sign("whsec_äöü", "id", 1, b"")


def test_an_id_tells_nothing_of_the_token_and_differs_between_tasks() -> None:
    assert notice_id("VW8793u5MbhJJALwq6fwcgUj0tX82G") == notice_id("VW8793u5MbhJJALwq6fwcgUj0tX82G")
    assert notice_id("a") != notice_id("b")
    assert len(notice_id("a")) == 28


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://A.Example/x?y", "a.example:443"),
        ("HTTP://a.example", "a.example:80"),
        ("http://a.example:8080/", "a.example:8080"),
        ("http://[2001:DB8::1]:81/", "2001:db8::1:81"),
        ("http://[::1", "http://[::1"),
        ("http://a:99999/", "http://a:99999/"),
        ("nonsense", "nonsense"),
    ],
)
def test_who_an_address_leads_to(url: str, host: str) -> None:
    assert host_of(url) == host


@given(st.text())
def test_any_text_has_a_host(url: str) -> None:
    assert isinstance(host_of(url), str)


@given(st.integers(1, 50), st.integers(1, 2**50), st.floats(0, 1e300), st.floats(0, 1))
def test_a_due_time_is_later_and_bounded(tries: int, now: int, retry_after: float, luck: float) -> None:
    due_at = due_after(tries, now, retry_after, luck)
    if tries > len(WEBHOOK_BACKOFF_S):
        assert due_at == 0
    else:
        longest_s = max(WEBHOOK_RETRY_AFTER_MAX_S, *WEBHOOK_BACKOFF_S) * (1 + WEBHOOK_JITTER)
        assert now + WEBHOOK_BACKOFF_S[tries - 1] * 1_000_000 <= due_at <= now + longest_s * 1_000_000 + 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("", 0.0),
        (" 120 ", 120.0),
        ("Sun, 22 Nov 2026 12:01:00 GMT", 60.0),
        ("Sun, 22 Nov 2026 12:01:00", 60.0),
        ("Sun, 22 Nov 2026 13:01:00 +0100", 60.0),
        ("1.5", 0.0),
        ("٣", 0.0),
    ],
)
def test_retry_after_is_read_in_both_forms(header: str, seconds: float) -> None:
    assert retry_after_s(header, lambda: NOW) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2}, \d{1,5} [A-Z][a-z]{2} \d{1,6} \d\d:\d\d:\d\d( [+-]\d{1,8})?"))
def test_any_retry_after_is_a_number(header: str) -> None:
    assert retry_after_s(header, lambda: NOW) >= 0.0


@given(st.binary())
def test_any_answer_can_be_shown_on_a_terminal(answer: bytes) -> None:
    assert printable(answer.decode("utf-8", "replace")).isprintable()
