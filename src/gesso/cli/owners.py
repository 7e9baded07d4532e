"""The commands of projects and people: their names, arguments and help. They are carried out by other modules, imported when called."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from gesso.cli.arguments import AsJson, Data, Yes

project_app = typer.Typer(no_args_is_help=True, help="Projects: who owns tasks, and the keys of programs.")
user_app = typer.Typer(no_args_is_help=True, help="People who may sign in to the dashboard.")

ProjectId = Annotated[int, typer.Argument(metavar="PROJECT", min=1, max=2**63 - 1, help="The project's id.")]
Email = Annotated[str, typer.Argument(help="Whose address.")]


class Auth(StrEnum):
    """How a project's key proves itself."""

    SIGNATURE = "signature"
    KEY = "key"


@project_app.command("create")
def project_create(
    name: Annotated[str, typer.Argument(help="What to call the project.")],
    auth: Annotated[Auth, typer.Option(help="Whether requests are signed with the secret, or carry the key alone.")] = Auth.SIGNATURE,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Create a project with its first key.

    Works beside a running server and without one.
    """
    from gesso.cli.accounts import create_project

    create_project(name, auth.value, as_json, data)


@project_app.command("webhook-secret")
def project_webhook_secret(
    project: Annotated[int, typer.Argument(metavar="PROJECT", min=1, max=2**63 - 1, help="The project's id.")],
    renew: Annotated[bool, typer.Option("--renew", help="Make a new one; the old one signs nothing from now on.")] = False,
    data: Data = None,
) -> None:
    """The secret that a project's webhooks are signed with."""
    from gesso.cli.webhooks import show_secret

    show_secret(project, renew, data)


@project_app.command("list")
def project_list(as_json: AsJson = False, data: Data = None) -> None:
    """All projects."""
    from gesso.cli.project import show_projects

    show_projects(as_json, data)


@project_app.command("rename")
def project_rename(project: ProjectId, name: Annotated[str, typer.Argument(help="Its new name.")], data: Data = None) -> None:
    """Give a project another name."""
    from gesso.cli.project import rename

    rename(project, name, data)


@project_app.command("regenerate")
def project_regenerate(project: ProjectId, as_json: AsJson = False, data: Data = None) -> None:
    """Make a new key and secret.

    The old ones are refused from then on.
    """
    from gesso.cli.project import regenerate

    regenerate(project, as_json, data)


@project_app.command("allow")
def project_allow(
    project: ProjectId,
    addresses: Annotated[list[str] | None, typer.Argument(help="Addresses or ranges; none is all.", show_default=False)] = None,
    data: Data = None,
) -> None:
    """From where a project's key may be used."""
    from gesso.cli.project import allow

    allow(project, addresses or [], data)


@project_app.command("delete")
def project_delete(project: ProjectId, yes: Yes = False, data: Data = None) -> None:
    """Delete a project.

    Its key is refused, its tasks are killed, and its files are found no more.
    """
    from gesso.cli.project import delete

    delete(project, yes, data)


@project_app.command("members")
def project_members(project: ProjectId, as_json: AsJson = False, data: Data = None) -> None:
    """Who may see and change a project."""
    from gesso.cli.project import show_members

    show_members(project, as_json, data)


@project_app.command("add-member")
def project_add_member(
    project: ProjectId,
    email: Email,
    owner: Annotated[bool, typer.Option("--owner", help="May change the project, not only use it.")] = False,
    data: Data = None,
) -> None:
    """Let somebody use a project, or change their role."""
    from gesso.cli.project import set_member

    set_member(project, email, "owner" if owner else "member", data)


@project_app.command("remove-member")
def project_remove_member(project: ProjectId, email: Email, data: Data = None) -> None:
    """Let somebody use a project no more."""
    from gesso.cli.project import remove_member

    remove_member(project, email, data)


@user_app.command("list")
def user_list(as_json: AsJson = False, data: Data = None) -> None:
    """Everybody who may sign in."""
    from gesso.cli.user import show_users

    show_users(as_json, data)


@user_app.command("reset")
def user_reset(email: Email, data: Data = None) -> None:
    """Set another password.

    It is asked for, or read from standard input where that is no terminal. The second factor is dropped, and all sessions end.
    """
    from gesso.cli.user import reset

    reset(email, data)


@user_app.command("delete")
def user_delete(email: Email, yes: Yes = False, data: Data = None) -> None:
    """Remove somebody.

    Their projects stay.
    """
    from gesso.cli.user import delete

    delete(email, yes, data)


@user_app.command("create")
def user_create(
    email: Annotated[str, typer.Argument(help="The address to sign in with.")],
    admin: Annotated[bool, typer.Option("--admin", help="May manage the server.")] = False,
    data: Data = None,
) -> None:
    """Create a user.

    The password is asked for, or read from standard input where that is no terminal.
    """
    from gesso.cli.accounts import create_user

    create_user(email, admin, data)
