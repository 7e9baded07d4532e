"""Rules of addresses, passwords, allow-lists and one-time codes."""

from __future__ import annotations

import asyncio
import ipaddress

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from gesso.domain import second_factor
from gesso.domain.errors import AddressNotAllowed, ParameterNotAllowed, Unavailable
from gesso.domain.limits import ADDRESSES_PER_PROJECT_MAX_COUNT, PASSWORD_CHECKS_MAX_COUNT, PASSWORD_CHECKS_WAITING_MAX_COUNT
from gesso.domain.project import check_addresses, check_description, check_name, verify
from gesso.domain.user import check_password, normal_email
from gesso.services.passwords import Passwords
from gesso.testing import make_key, make_project

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize("given", ["ada@example.org", " Ada@Example.ORG ", "ＡＤＡ@example.org"])
def test_an_address_has_one_spelling(given: str) -> None:
    assert normal_email(given) == "ada@example.org"


@pytest.mark.parametrize(
    "given", ["", "ada", "@", "a@", "@b", "a b@c", "a@b@c", "a@b\0", "a@\u202eb", "x" * 250 + "@b.org", "x" * 10**6 + "@b"]
)
def test_what_is_no_address_is_refused_with_a_short_sentence(given: str) -> None:
    with pytest.raises(ParameterNotAllowed) as caught:
        normal_email(given)
    assert len(str(caught.value)) < 800


@given(st.text(max_size=300))
def test_an_address_that_is_taken_is_its_own_spelling(given: str) -> None:
    try:
        address = normal_email(given)
    except ParameterNotAllowed:
        return
    assert normal_email(address) == address


@pytest.mark.parametrize(
    "password", ["short", "a" * 40, "abababababab", "1234567890", "Password123", "ada@example.org", "ADA@example.org!", "x" * 1001]
)
def test_a_bad_password_is_refused(password: str) -> None:
    with pytest.raises(ParameterNotAllowed):
        check_password(password, "ada@example.org")


@pytest.mark.parametrize("password", ["correct horse", "fünf Wörter sind genug", "0987612345xyz", "🦀🦞🦐🦑🐙🦪🐚🐟🐠🐡"])
def test_a_good_password_is_taken(password: str) -> None:
    check_password(password, "ada@example.org")


def test_a_hash_fits_its_password_in_either_spelling_and_no_other() -> None:
    async def scenario() -> None:
        passwords = Passwords(CHEAP)
        made = await passwords.hash("caf\u00e9 au lait")
        assert made.startswith("$argon2id$")
        assert await passwords.is_right(made, "cafe\u0301 au lait")
        assert not await passwords.is_right(made, "cafe au lait")
        assert not await passwords.is_right(None, "café au lait")
        assert not await passwords.is_right("no hash", "café au lait")
        assert not await passwords.is_right(made, "x" * 10**6)
        assert not passwords.is_outdated(made)
        assert passwords.is_outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))
        passwords.close()

    asyncio.run(scenario())


def test_who_does_not_exist_is_checked_as_long_as_who_does() -> None:
    """What is counted is the work, not the time: each check verifies one hash."""

    class Counting(PasswordHasher):
        verified = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> bool:  # noqa: A002
            self.verified += 1
            return super().verify(hash, password)

    async def scenario() -> None:
        hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
        passwords = Passwords(hasher)
        made = await passwords.hash("correct horse")
        await passwords.is_right(None, "correct horse")
        assert hasher.verified == 1
        await passwords.is_right(made, "correct horse")
        assert hasher.verified == 2
        passwords.close()

    asyncio.run(scenario())


def test_checks_beyond_the_line_are_refused() -> None:
    async def scenario() -> None:
        passwords = Passwords(CHEAP)
        count = PASSWORD_CHECKS_MAX_COUNT + PASSWORD_CHECKS_WAITING_MAX_COUNT
        made = await asyncio.gather(*(passwords.hash("correct horse") for _ in range(count + 5)), return_exceptions=True)
        assert sum(isinstance(one, Unavailable) for one in made) == 5
        assert isinstance(await passwords.hash("correct horse"), str)
        passwords.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([], ()),
        (["*"], ("*",)),
        ([" 10.0.0.1 ", "10.0.0.1/32", ""], ("10.0.0.1",)),
        (["10.1.2.3/8"], ("10.0.0.0/8",)),
        (["::ffff:10.0.0.1", "::ffff:10.0.0.0/104"], ("10.0.0.1", "10.0.0.0/8")),
        (["2001:DB8::0/32", "::1"], ("2001:db8::/32", "::1")),
    ],
)
def test_an_allow_list_is_kept_in_its_shortest_spelling(given: list[str], kept: tuple[str, ...]) -> None:
    assert check_addresses(given) == kept


@pytest.mark.parametrize(
    "given", [["example.org"], ["10.0.0.0/33"], ["10.0.0"], ["1" * 10**5], ["10.0.0.1"] * (ADDRESSES_PER_PROJECT_MAX_COUNT + 1)]
)
def test_what_is_no_allow_list_is_refused(given: list[str]) -> None:
    with pytest.raises(ParameterNotAllowed):
        check_addresses(given)


@given(st.ip_addresses(), st.integers(0, 128))
def test_an_address_is_let_in_from_a_range_that_holds_it_and_from_no_other(address: ipaddress.IPv4Address, bits: int) -> None:
    bits = min(bits, address.max_prefixlen)
    if getattr(address, "ipv4_mapped", None) is not None:
        # It is an IPv4 address, and in no range that is wider than all of those.
        bits = max(bits, 96)
    inside = check_addresses([f"{address}/{bits}"])
    verify(make_key(make_project(allowed_addresses=inside)), "", "", str(address))
    is_ipv6 = address.version == 6 and address.ipv4_mapped is None
    outside = "192.0.2.1" if is_ipv6 else "2001:db8::1"
    with pytest.raises(AddressNotAllowed):
        verify(make_key(make_project(allowed_addresses=inside)), "", "", outside)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 201])
def test_a_name_that_cannot_be_is_refused(name: str) -> None:
    with pytest.raises(ParameterNotAllowed):
        check_name(name)


def test_a_description_is_bounded_text() -> None:
    assert check_description(" two\nlines ") == "two\nlines"
    for text in ("x" * 2001, "a\0b"):
        with pytest.raises(ParameterNotAllowed):
            check_description(text)


@pytest.mark.parametrize(("at_s", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")])
def test_the_published_codes_hold(at_s: int, code: str) -> None:
    """Source: RFC 6238, appendix B, the last six digits."""
    assert second_factor.code(RFC_SECRET, second_factor.step_at(at_s * 1_000_000)) == code
    assert second_factor.matching_step(RFC_SECRET, f" {code[:3]} {code[3:]} ", at_s * 1_000_000) == at_s // 30


@given(st.integers(0, 2**40), st.integers(-3, 3))
def test_a_code_works_one_interval_around_its_own(at_s: int, steps_aside: int) -> None:
    at_s += 300
    step = second_factor.step_at(at_s * 1_000_000) + steps_aside
    found = second_factor.matching_step(RFC_SECRET, second_factor.code(RFC_SECRET, step), at_s * 1_000_000)
    assert (found is not None) or abs(steps_aside) > 1


@given(st.text(max_size=40))
def test_no_text_as_a_code_breaks_anything(given: str) -> None:
    second_factor.matching_step(RFC_SECRET, given, 10**15)
    second_factor.is_secret(given)


def test_a_secret_is_one_that_was_made_here() -> None:
    secret = second_factor.new_secret()
    assert second_factor.is_secret(secret)
    assert not second_factor.is_secret(secret[:16])
    assert second_factor.address(secret, "a b@example.org") == f"otpauth://totp/gesso:a%20b%40example.org?secret={secret}&issuer=gesso"
