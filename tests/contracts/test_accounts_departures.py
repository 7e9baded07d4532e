"""How somebody leaves for good: own projects go, those of others stay, and the server keeps an administrator."""

from __future__ import annotations

from pathlib import Path

import pytest
from accounts_house import HOME, PASSWORD, AccountsHouse, play

from gesso.domain.errors import LastOwner, ProjectUnknown, RoleTooLow, SigninRefused
from gesso.domain.project import AuthMethod, Role
from gesso.services.departures import Departures
from gesso.services.signing import Signing


def test_own_projects_go_and_those_of_others_stay(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada, ben = await house.person("ada"), await house.person("ben")
        own = (await house.projects.create(ben, "own", AuthMethod.KEY)).project
        theirs = (await house.projects.create(ada, "theirs", AuthMethod.KEY)).project
        await house.projects.set_member(ada, str(theirs.id), ben.email, Role.MEMBER)
        departures = Departures(house.users, house.projects)
        plan = await departures.plan(ben)
        assert [project.id for project in plan.goes] == [own.id]
        assert plan.is_possible
        with pytest.raises(SigninRefused):
            await departures.leave(ben, "another password", HOME)
        assert house.deleted == []
        await departures.leave(ben, PASSWORD, HOME)
        assert house.deleted == [own.id]
        assert [each.email for each in await house.users.all()] == [ada.email]
        assert [each.email for each in await house.projects.members(ada, str(theirs.id))] == [ada.email]
        with pytest.raises(SigninRefused):
            await house.sign_in("ben")

    play(tmp_path, scenario)


def test_a_project_with_members_needs_another_owner_first(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada, ben = await house.person("ada"), await house.person("ben")
        shared = (await house.projects.create(ben, "shared", AuthMethod.KEY)).project
        await house.projects.set_member(ben, str(shared.id), ada.email, Role.MEMBER)
        departures = Departures(house.users, house.projects)
        assert [project.id for project in (await departures.plan(ben)).stays] == [shared.id]
        with pytest.raises(LastOwner):
            await departures.leave(ben, PASSWORD, HOME)
        await house.projects.set_member(ben, str(shared.id), ada.email, Role.OWNER)
        await departures.leave(ben, PASSWORD, HOME)
        assert house.deleted == []

    play(tmp_path, scenario)


def test_the_last_administrator_stays(tmp_path: Path) -> None:
    async def scenario(house: AccountsHouse) -> None:
        ada, ben = await house.person("ada"), await house.person("ben")
        departures = Departures(house.users, house.projects)
        assert (await departures.plan(ada)).is_last_administrator
        with pytest.raises(LastOwner):
            await departures.leave(ada, PASSWORD, HOME)
        await house.users_store.set_admin(ben.id, True)
        await departures.leave(ada, PASSWORD, HOME)
        assert [each.email for each in await house.users.all()] == [ben.email]

    play(tmp_path, scenario)


def test_a_webhook_secret_is_for_owners(tmp_path: Path) -> None:
    class Secrets:
        def __init__(self) -> None:
            self.made = 0

        async def secret(self, project_id: int) -> str:
            return f"whsec_{project_id}_{self.made}"

        async def renew_secret(self, project_id: int) -> str:
            self.made += 1
            return await self.secret(project_id)

    async def scenario(house: AccountsHouse) -> None:
        await house.person("root")
        ada, ben, eve = await house.person("ada"), await house.person("ben"), await house.person("eve")
        project = (await house.projects.create(ada, "shared", AuthMethod.KEY)).project
        await house.projects.set_member(ada, str(project.id), ben.email, Role.MEMBER)
        signing = Signing(Secrets(), house.projects)
        first = await signing.secret(ada, project.uuid)
        assert await signing.renew(ada, project.uuid) != first
        for asked in (signing.secret, signing.renew):
            with pytest.raises(RoleTooLow):
                await asked(ben, project.uuid)
            with pytest.raises(ProjectUnknown):
                await asked(eve, project.uuid)

    play(tmp_path, scenario)
