"""Signing up and in, sessions, second factor, limits of attempts: the services on a real database."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from accounts_house import AWAY, HOME, PASSWORD, AccountsHouse, play

from gesso.domain import second_factor
from gesso.domain.errors import (
    CodeRefused,
    ParameterNotAllowed,
    SigninRefused,
    SignupClosed,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TooManyAttempts,
    UserUnknown,
)
from gesso.domain.limits import (
    SESSION_MAX_S,
    SESSION_SEEN_STEP_S,
    SESSIONS_PER_USER_MAX_COUNT,
    SIGNIN_CODES_MAX_COUNT,
    SIGNIN_PENDING_S,
    SIGNINS_PER_ACCOUNT_BURST_COUNT,
    SIGNINS_PER_NETWORK_BURST_COUNT,
    SIGNINS_PER_PAIR_BURST_COUNT,
    SIGNINS_PER_PAIR_REFILL_S,
    UNKNOWN_KEYS_BURST_COUNT,
)
from gesso.domain.project import AuthMethod
from gesso.services.accounts import Sender


async def fails(house: AccountsHouse, times: int, sender: Sender = HOME, name: str = "ada") -> list[str]:
    """What `times` wrong passwords are answered."""
    answers = []
    for _ in range(times):
        try:
            await house.sign_in(name, "wrong password", sender)
        except (SigninRefused, TooManyAttempts) as error:
            answers.append(type(error).__name__)
    return answers


def test_the_first_visitor_becomes_the_owner_and_nobody_comes_after(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        assert await house.users.may_sign_up()
        assert (await house.person("ada")).is_admin
        assert not await house.users.may_sign_up()
        with pytest.raises(SignupClosed):
            await house.person("bob")
        assert not (await house.users.create_user("bob@example.org", PASSWORD, is_admin=False)).is_admin

    play(tmp_path, scenario, "first")


def test_of_two_first_visitors_one_is_the_owner(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        made = await asyncio.gather(*(house.person(name) for name in ("ada", "bob", "cy")), return_exceptions=True)
        assert sorted(type(one).__name__ for one in made) == ["SignupClosed", "SignupClosed", "User"]

    play(tmp_path, scenario, "first")


def test_an_open_server_takes_everybody_and_a_closed_one_nobody(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        assert [(await house.person(name)).is_admin for name in ("ada", "bob")] == [True, False]
        with pytest.raises(ParameterNotAllowed, match="already"):
            await house.users.sign_up(" ADA@example.org", PASSWORD, HOME)
        house.users.close()
        house.open_door("closed")
        with pytest.raises(SignupClosed):
            await house.person("cy")

    play(tmp_path, scenario)


def test_a_token_stands_for_its_user_until_it_is_signed_out(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        signed = await house.sign_in()
        assert (signed.user, signed.is_pending) == (ada, False)
        session, user = await house.sessions.find(signed.token, HOME.address)
        assert (user, session.network, session.agent) == (ada, HOME.address, HOME.agent)
        assert len(await house.sessions.all(ada)) == 2
        await house.sessions.end(session)
        with pytest.raises(TokenInvalid):
            await house.sessions.find(signed.token, HOME.address)
        assert len(await house.sessions.all(ada)) == 1

    play(tmp_path, scenario)


@pytest.mark.parametrize(
    ("token", "error"), [("", TokenMissing), ("x", TokenInvalid), ("gs_x", TokenInvalid), ("gs_" + "x" * 10**6, TokenInvalid)]
)
def test_what_is_no_token_is_told_so(tmp_path: Path, token: str, error: type[Exception]) -> None:
    async def scenario(house: AccountsHouse) -> None:
        with pytest.raises(error):
            await house.sessions.find(token, HOME.address)

    play(tmp_path, scenario)


def test_a_session_is_over_after_its_time_and_is_told_so_for_as_long_again(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        token = (await house.sign_in()).token
        house.clock.advance(SESSION_MAX_S - 1)
        await house.sessions.find(token, HOME.address)
        house.clock.advance(1)
        with pytest.raises(TokenExpired):
            await house.sessions.find(token, HOME.address)
        assert not await house.sessions.all(ada)
        house.clock.advance(SESSION_MAX_S + 1)
        await house.sign_in()
        with pytest.raises(TokenInvalid):
            await house.sessions.find(token, HOME.address)

    play(tmp_path, scenario)


def test_when_a_session_was_seen_is_noted_seldom(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        token, start = (await house.sign_in()).token, house.clock.now()
        for _ in range(4):
            house.clock.advance(SESSION_SEEN_STEP_S / 2)
            await house.sessions.find(token, HOME.address)
        seen = (await house.sessions.all(ada))[0].seen_at - start
        assert seen == round(1.5 * SESSION_SEEN_STEP_S * 1e6)

    play(tmp_path, scenario)


def test_sessions_of_one_user_are_bounded_and_the_newest_stay(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada, bob = await house.person("ada"), await house.person("bob")
        tokens = [await house.sessions.open(ada, HOME.address) for _ in range(SESSIONS_PER_USER_MAX_COUNT + 3)]
        assert len(await house.sessions.all(ada)) == SESSIONS_PER_USER_MAX_COUNT
        assert len(await house.sessions.all(bob)) == 1
        await house.sessions.find(tokens[-1], HOME.address)
        with pytest.raises(TokenInvalid):
            await house.sessions.find(tokens[0], HOME.address)

    play(tmp_path, scenario)


def test_nobody_ends_the_session_of_another(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada, bob = await house.person("ada"), await house.person("bob")
        theirs = (await house.sessions.all(ada))[0]
        assert not await house.sessions.end_by_id(bob, theirs.id)
        assert await house.sessions.end_by_id(ada, theirs.id)
        assert not await house.sessions.end_by_id(ada, theirs.id)

    play(tmp_path, scenario)


def test_tokens_and_passwords_are_not_in_the_database(tmp_path: Path) -> None:
    tokens: list[str] = []

    async def scenario(house: AccountsHouse) -> None:
        await house.person("ada")
        tokens.append((await house.sign_in()).token)

    play(tmp_path, scenario)
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert tokens[0].encode() not in content
    assert PASSWORD.encode() not in content
    with closing(sqlite3.connect(tmp_path / "gesso.db")) as database:
        assert database.execute("SELECT password_hash FROM users").fetchone()[0].startswith("$argon2id$")


def test_unknown_tokens_are_bounded_by_network(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        await house.person("ada")
        token = (await house.sign_in()).token
        for number in range(UNKNOWN_KEYS_BURST_COUNT):
            with pytest.raises(TokenInvalid):
                await house.sessions.find(f"gs_{number}", AWAY.address)
        with pytest.raises(TooManyAttempts):
            await house.sessions.find("gs_more", AWAY.address)
        for _ in range(UNKNOWN_KEYS_BURST_COUNT * 2):
            await house.sessions.find(token, HOME.address)

    play(tmp_path, scenario)


def test_a_wrong_address_and_a_wrong_password_are_one_answer(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        await house.person("ada")
        words = []
        for name, password in (("ada", "wrong password"), ("nobody", PASSWORD), ("no address\0", PASSWORD), ("ada", "x" * 5000)):
            with pytest.raises(SigninRefused) as caught:
                await house.sign_in(name, password)
            words.append(str(caught.value))
        assert len(set(words)) == 1

    play(tmp_path, scenario)


@pytest.mark.parametrize("name", ["ada", "nobody"])
def test_guessing_from_one_network_is_slowed_down_whether_there_is_an_account_or_not(tmp_path: Path, name: str) -> None:
    async def scenario(house: AccountsHouse) -> None:
        await house.person("ada")
        answers = await fails(house, SIGNINS_PER_PAIR_BURST_COUNT + 3, AWAY, name)
        assert answers == ["SigninRefused"] * SIGNINS_PER_PAIR_BURST_COUNT + ["TooManyAttempts"] * 3
        with pytest.raises(TooManyAttempts):
            await house.sign_in(name, PASSWORD, AWAY)
        house.clock.advance(SIGNINS_PER_PAIR_REFILL_S)
        assert await fails(house, 2, AWAY, name) == ["SigninRefused", "TooManyAttempts"]

    play(tmp_path, scenario)


def test_guessing_at_many_accounts_from_one_network_is_slowed_down(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        answers = [(await fails(house, 1, AWAY, f"user{number}"))[0] for number in range(SIGNINS_PER_NETWORK_BURST_COUNT + 2)]
        assert answers.count("TooManyAttempts") == 2

    play(tmp_path, scenario)


def test_guessing_from_many_networks_is_slowed_down_and_shuts_the_owner_out_of_no_network_of_theirs(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        await house.person("ada")
        for number in range(SIGNINS_PER_ACCOUNT_BURST_COUNT):
            assert await fails(house, 1, Sender(f"203.0.113.{number}")) == ["SigninRefused"]
        assert await fails(house, 1, Sender("203.0.113.200")) == ["TooManyAttempts"]
        # The owner signed up from home.
        assert (await house.sign_in(sender=HOME)).token
        with pytest.raises(TooManyAttempts):
            await house.sign_in(sender=Sender("203.0.113.201"))

    play(tmp_path, scenario)


def test_good_sign_ins_do_not_count(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        await house.person("ada")
        for _ in range(SIGNINS_PER_NETWORK_BURST_COUNT * 2):
            await house.sign_in(sender=AWAY)

    play(tmp_path, scenario)


def test_another_password_ends_the_other_sessions(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        here, there = (await house.sign_in()).token, (await house.sign_in(sender=AWAY)).token
        session, _ = await house.sessions.find(here, HOME.address)
        with pytest.raises(SigninRefused):
            await house.users.change_password(ada, "wrong password", "another horse", session, HOME)
        with pytest.raises(ParameterNotAllowed):
            await house.users.change_password(ada, PASSWORD, "short", session, HOME)
        await house.users.change_password(ada, PASSWORD, "another horse", session, HOME)
        await house.sessions.find(here, HOME.address)
        with pytest.raises(TokenInvalid):
            await house.sessions.find(there, HOME.address)
        assert await fails(house, 1) == ["SigninRefused"]
        with pytest.raises(SigninRefused):
            await house.sign_in()
        await house.sign_in(password="another horse")

    play(tmp_path, scenario)


def test_with_a_second_factor_a_password_is_half_of_a_sign_in(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        secret = second_factor.new_secret()

        def code(steps: int = 0) -> str:
            return second_factor.code(secret, second_factor.step_at(house.clock.now()) + steps)

        with pytest.raises(CodeRefused):
            await house.users.set_second_factor(ada, PASSWORD, secret, "000000", HOME)
        with pytest.raises(SigninRefused):
            await house.users.set_second_factor(ada, "wrong password", secret, code(), HOME)
        await house.users.set_second_factor(ada, PASSWORD, secret, code(), HOME)
        pending = await house.sign_in()
        assert pending.is_pending
        # The token of a half sign-in opens nothing, and is none of the sessions.
        with pytest.raises(TokenInvalid):
            await house.sessions.find(pending.token, HOME.address)
        # A code that was used is used up.
        with pytest.raises(CodeRefused):
            await house.users.verify(pending.token, code(), HOME)
        house.clock.advance(30)
        signed = await house.users.verify(pending.token, code(), HOME)
        assert (await house.sessions.user(signed.token, HOME.address)).has_second_factor
        with pytest.raises(CodeRefused):
            await house.users.verify(pending.token, code(1), HOME)
        await house.users.drop_second_factor(ada, PASSWORD, HOME)
        assert not (await house.sign_in()).is_pending

    play(tmp_path, scenario)


def test_codes_can_be_guessed_a_few_times_and_for_a_short_time_only(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        secret = second_factor.new_secret()
        await house.users_store.set_second_factor(ada.id, secret)
        pending = (await house.sign_in()).token
        for _ in range(SIGNIN_CODES_MAX_COUNT):
            with pytest.raises(CodeRefused):
                await house.users.verify(pending, "", HOME)
        with pytest.raises(CodeRefused):
            await house.users.verify(pending, second_factor.code(secret, second_factor.step_at(house.clock.now())), HOME)
        pending = (await house.sign_in()).token
        house.clock.advance(SIGNIN_PENDING_S)
        with pytest.raises(CodeRefused):
            await house.users.verify(pending, second_factor.code(secret, second_factor.step_at(house.clock.now())), HOME)
        # Each half sign-in counts, so that codes cannot be tried for ever by whoever knows the password.
        house.clock.advance(10_000)
        answers = []
        for _ in range(SIGNINS_PER_PAIR_BURST_COUNT + 1):
            try:
                answers.append((await house.sign_in()).is_pending)
            except TooManyAttempts:
                answers.append(None)
        assert answers == [True] * SIGNINS_PER_PAIR_BURST_COUNT + [None]

    play(tmp_path, scenario)


def test_whoever_has_the_machine_can_let_a_user_in_again_or_remove_them(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada = await house.person("ada")
        await house.users_store.set_second_factor(ada.id, second_factor.new_secret())
        await house.users.reset("Ada@example.org", "another horse")
        assert not await house.sessions.all(ada)
        assert not (await house.sign_in(password="another horse")).is_pending
        await house.projects.create(ada, "hers", AuthMethod.KEY)
        await house.users.delete("ada@example.org")
        assert await house.users.all() == []
        with pytest.raises(UserUnknown):
            await house.users.delete("ada@example.org")
        with pytest.raises(UserUnknown):
            await house.users.reset("ada@example.org", "another horse")

    play(tmp_path, scenario)
