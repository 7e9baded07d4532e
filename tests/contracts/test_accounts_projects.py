"""Projects as people manage them: who may do what, and what happens to keys that are in use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from accounts_house import AccountsHouse, play
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gesso.domain.errors import GessoError, LastOwner, LimitReached, ParameterNotAllowed, ProjectUnknown, RoleTooLow, UserUnknown
from gesso.domain.limits import PROJECTS_PER_USER_MAX_COUNT
from gesso.domain.project import AuthMethod, Key, Role
from gesso.domain.user import User


class People:
    """`root` manages the server; `ada` owns the project of `key`; `bob` is a member of it; `eve` is a stranger."""

    def __init__(self, house: AccountsHouse, root: User, ada: User, bob: User, eve: User, key: Key) -> None:
        self.house, self.projects = house, house.projects
        self.root, self.ada, self.bob, self.eve, self.key = root, ada, bob, eve, key
        self.id = str(key.project.id)


def with_people(data: Path, scenario: Callable[[People], Awaitable[None]]) -> None:
    async def run(house: AccountsHouse) -> None:
        root, ada, bob, eve = [await house.person(name) for name in ("root", "ada", "bob", "eve")]
        key = await house.projects.create(ada, "hers", AuthMethod.KEY, "for tests")
        await house.projects.set_member(ada, str(key.project.id), bob.email, Role.MEMBER)
        await scenario(People(house, root, ada, bob, eve, key))

    play(data, run)


def test_a_member_sees_their_own_projects_and_an_administrator_all(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        other = await people.projects.create(people.eve, "theirs", AuthMethod.SIGNATURE)
        seen = {user.email: [(one.project.name, one.role) for one in await people.projects.all(user)] for user in (people.ada, people.bob)}
        assert seen == {people.ada.email: [("hers", Role.OWNER)], people.bob.email: [("hers", Role.MEMBER)]}
        assert [one.project.name for one in await people.projects.all(people.root)] == ["hers", "theirs"]
        shown = (await people.projects.all(people.eve))[0]
        assert (shown.api_key, shown.project) == (other.api_key, other.project)

    with_people(tmp_path, scenario)


@pytest.mark.parametrize("name", ["id", "uuid", "key"])
def test_to_a_stranger_a_project_is_not_there_by_any_name(tmp_path: Path, name: str) -> None:
    async def scenario(people: People) -> None:
        reference = {"id": people.id, "uuid": people.key.project.uuid, "key": people.key.api_key}[name]
        assert (await people.projects.find(people.bob, reference)).name == "hers"
        for call in calls(people, people.eve, reference):
            with pytest.raises(ProjectUnknown):
                await call()
        assert await people.house.knows(people.key.api_key)

    with_people(tmp_path, scenario)


def test_a_member_uses_a_project_and_does_not_change_it(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        for call in calls(people, people.bob, people.id)[2:]:
            with pytest.raises(RoleTooLow):
                await call()
        assert [one.email for one in await people.projects.members(people.bob, people.id)] == [people.ada.email, people.bob.email]
        await people.projects.remove_member(people.bob, people.id, people.bob.email)
        with pytest.raises(ProjectUnknown):
            await people.projects.find(people.bob, people.id)

    with_people(tmp_path, scenario)


@pytest.mark.parametrize("reference", ["", "0", "99", "-1", "me", "9" * 40, "x" * 10_000, "' OR 1=1", "\ufffd"])
def test_a_project_that_nobody_has_is_unknown_to_an_administrator_too(tmp_path: Path, reference: str) -> None:
    async def scenario(people: People) -> None:
        with pytest.raises(ProjectUnknown):
            await people.projects.find(people.root, reference)

    with_people(tmp_path, scenario)


def test_a_change_reaches_requests_at_once(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        assert await people.house.knows(people.key.api_key)
        await people.projects.change(people.ada, people.id, addresses=["10.0.0.0/8"])
        assert not await people.house.knows(people.key.api_key)
        changed = await people.projects.change(people.ada, people.id, name=" New ", addresses=[])
        assert (changed.name, changed.description, changed.auth_method) == ("New", "for tests", AuthMethod.KEY)
        assert await people.house.knows(people.key.api_key)
        for wrong in ({"name": ""}, {"addresses": ["nonsense"]}, {"description": "x" * 3000}):
            with pytest.raises(ParameterNotAllowed):
                await people.projects.change(people.ada, people.id, **wrong)
        assert (await people.projects.find(people.ada, people.id)) == changed

    with_people(tmp_path, scenario)


def test_a_new_key_works_and_the_old_one_stops_at_once(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        assert await people.house.knows(people.key.api_key)
        made = await people.projects.regenerate(people.ada, people.id)
        assert await people.house.knows(made.api_key)
        assert not await people.house.knows(people.key.api_key)
        assert {made.api_key, made.api_secret}.isdisjoint({people.key.api_key, people.key.api_secret})
        assert [one.api_key for one in await people.projects.all(people.ada)] == [made.api_key]
        # The old key names nothing any more, for its owner neither.
        with pytest.raises(ProjectUnknown):
            await people.projects.find(people.ada, people.key.api_key)

    with_people(tmp_path, scenario)


def test_a_deleted_project_is_gone_for_everybody(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        assert await people.house.knows(people.key.api_key)
        await people.projects.delete(people.ada, people.id)
        assert people.house.deleted == [people.key.project.id]
        assert not await people.house.knows(people.key.api_key)
        assert await people.house.projects_store.deleted() == {people.key.project.id}
        for user in (people.root, people.ada, people.bob):
            assert not await people.projects.all(user)
            for call in calls(people, user, people.id):
                with pytest.raises(ProjectUnknown):
                    await call()
        # Where the project went between being let in and being written.
        for write in (
            people.house.projects_store.replace_key(people.key.project),
            people.house.projects_store.update(people.key.project),
            people.house.projects_store.delete(people.key.project.id),
            people.house.projects_store.set_member(people.key.project.id, people.eve.email, Role.OWNER),
            people.projects.own(people.key.project),
        ):
            with pytest.raises(ProjectUnknown):
                await write

    with_people(tmp_path, scenario)


def test_a_project_keeps_an_owner(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        projects, project_id = people.projects, people.id
        for leave in (
            projects.remove_member(people.ada, project_id, people.ada.email),
            projects.set_member(people.ada, project_id, people.ada.email, Role.MEMBER),
            projects.remove_member(people.root, project_id, people.ada.email),
        ):
            with pytest.raises(LastOwner):
                await leave
        await projects.set_member(people.ada, project_id, " BOB@example.org", Role.OWNER)
        members = await projects.remove_member(people.ada, project_id, people.ada.email)
        assert [(one.email, one.role) for one in members] == [(people.bob.email, Role.OWNER)]
        with pytest.raises(UserUnknown):
            await projects.set_member(people.bob, project_id, "nobody@example.org", Role.MEMBER)

    with_people(tmp_path, scenario)


def test_a_project_of_the_command_line_is_managed_by_administrators(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        key = await people.house.accounts_store.create_project("from the shell", AuthMethod.KEY)
        reference = str(key.project.id)
        with pytest.raises(ProjectUnknown):
            await people.projects.find(people.ada, reference)
        await people.projects.set_member(people.root, reference, people.ada.email, Role.OWNER)
        assert (await people.projects.change(people.ada, reference, name="mine")).name == "mine"

    with_people(tmp_path, scenario)


def test_one_user_owns_a_bounded_number_of_projects(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        for _ in range(PROJECTS_PER_USER_MAX_COUNT):
            await people.projects.create(people.eve, "one more", AuthMethod.KEY)
        with pytest.raises(LimitReached):
            await people.projects.create(people.eve, "too many", AuthMethod.KEY)
        await people.projects.delete(people.eve, str((await people.projects.all(people.eve))[0].project.id))
        await people.projects.create(people.eve, "in its place", AuthMethod.KEY)

    with_people(tmp_path, scenario)


def test_requests_are_shown_before_and_after_they_are_stored(tmp_path: Path) -> None:
    async def scenario(people: People) -> None:
        for _ in range(3):
            await people.house.knows(people.key.api_key)
        assert (await people.projects.own(people.key.project)).request_count == 3
        await people.house.projects_store.add_requests(people.house.identity.take_requests())
        await people.house.knows(people.key.api_key)
        assert (await people.projects.all(people.ada))[0].request_count == 4

    with_people(tmp_path, scenario)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["root", "ada", "bob", "eve"]),
            st.sampled_from(["root", "ada", "bob", "eve"]),
            st.sampled_from(["add", "own", "remove"]),
        ),
        max_size=12,
    )
)
def test_no_order_of_changes_leaves_a_project_without_an_owner(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    async def scenario(people: People) -> None:
        for actor, target, step in steps:
            user, email = getattr(people, actor), getattr(people, target).email
            try:
                if step == "remove":
                    await people.projects.remove_member(user, people.id, email)
                else:
                    await people.projects.set_member(user, people.id, email, Role.OWNER if step == "own" else Role.MEMBER)
            except GessoError:
                continue
            members = await people.house.projects_store.members(people.key.project.id)
            assert Role.OWNER in [member.role for member in members]

    with_people(tmp_path_factory.mktemp("data"), scenario)


def calls(people: People, user: User, reference: str) -> list[Callable[[], Awaitable[object]]]:
    """All that a person can ask of a project; the first two of them members too."""
    projects = people.projects
    return [
        lambda: projects.find(user, reference),
        lambda: projects.members(user, reference),
        lambda: projects.change(user, reference, name="stolen"),
        lambda: projects.regenerate(user, reference),
        lambda: projects.set_member(user, reference, people.eve.email, Role.OWNER),
        lambda: projects.remove_member(user, reference, people.ada.email),
        lambda: projects.delete(user, reference),
    ]
