"""`gesso project`, `gesso user` and `gesso migrate`: what is written into the database beside a running server."""

from __future__ import annotations

import asyncio
import getpass
import shlex
import sys
from contextlib import closing
from pathlib import Path

from rich.panel import Panel

from gesso.cli.options import read_settings
from gesso.cli.refused import Refused
from gesso.cli.running import find_running
from gesso.cli.screen import output, print_json
from gesso.cli.storage import open_store, sentences
from gesso.config import Settings
from gesso.domain.project import AuthMethod, Key
from gesso.domain.user import User
from gesso.services.accounts import Accounts
from gesso.services.sessions import Sessions
from gesso.store.database import make_engine, schema_version, sqlite_url
from gesso.store.schema import HEAD

_NAME_MAX_CHARACTERS = 200


def create_project(name: str, auth: str, as_json: bool, data: Path | None) -> None:
    """Errors: Refused."""
    name = name.strip()
    if not name or len(name) > _NAME_MAX_CHARACTERS or not name.isprintable():
        raise Refused(f"A project's name has 1 to {_NAME_MAX_CHARACTERS} printable characters.")
    settings = read_settings(data=data)
    show_key(settings, asyncio.run(new_project(settings, name, AuthMethod(auth))), as_json)


def show_key(settings: Settings, key: Key, as_json: bool) -> None:
    """Print a Key that was just made, with its secret."""
    if as_json:
        print_json(
            {
                "id": str(key.project.id),
                "name": key.project.name,
                "authmethod": key.project.auth_method.value,
                "apikey": key.api_key,
                "apisecret": key.api_secret,
            }
        )
    else:
        _show(settings, key)


def _show(settings: Settings, key: Key) -> None:
    signs = key.project.auth_method is AuthMethod.SIGNATURE
    running = find_running(settings.data)
    url = running.url if running else f"http://{settings.host}:{settings.port}"
    lines = [f"API key     {key.api_key}"]
    exports = [f"export GESSO_URL={shlex.quote(url)}", f"export GESSO_API_KEY={key.api_key}"]
    if signs:
        lines.append(f"API secret  {key.api_secret}")
        exports.append(f"export GESSO_API_SECRET={key.api_secret}")
        lines.append("\nThe secret is shown this once. Requests are signed with it.")
    else:
        lines.append("\nThe key is shown this once. It is sent with each request and is all that is needed: keep it like a password.")
    console = output()
    console.print(Panel("\n".join(lines), title=f"Project {key.project.name}", expand=False, padding=(1, 2)), soft_wrap=False)
    console.print("\nFor your shell:\n")
    for line in exports:
        console.print(f"  {line}")


async def new_project(settings: Settings, name: str, auth: AuthMethod) -> Key:
    with open_store(settings) as store:
        return await store.accounts.create_project(name, auth)


def create_user(email: str, is_admin: bool, data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    password = ask_password()

    async def create() -> User:
        with open_store(settings) as store, closing(Accounts(store.users, Sessions(store.sessions, store.clock), store.clock)) as accounts:
            return await accounts.create_user(email, password, is_admin)

    user = asyncio.run(create())
    output().print(f"Created {'the administrator' if user.is_admin else 'the user'} {user.email}.")


def ask_password() -> str:
    """The password of somebody: asked for twice, or one line of standard input. Errors: Refused."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != password:
        raise Refused("The two passwords differ. Nothing was changed.")
    return password


def migrate(data: Path | None) -> None:
    """Errors: Refused."""
    settings = read_settings(data=data)
    before = _schema_version(settings)
    running = find_running(settings.data)
    if before != HEAD and running is not None and running.is_alive:
        raise Refused(f"A server runs at {running.url}, and the tables must not change under it. Stop it first.")
    with open_store(settings):
        pass
    if before == HEAD:
        output().print(f"The database is at version {HEAD} already, which is the newest.")
    else:
        output().print(f"The database is at version {HEAD} now{f', from {before}' if before else ''}.")


def _schema_version(settings: Settings) -> str:
    path = settings.data.resolve() / "gesso.db"
    if not settings.database_url and not path.exists():
        return ""
    with sentences(settings):
        engine = make_engine(settings.database_url or sqlite_url(path))
        try:
            return schema_version(engine)
        finally:
            engine.dispose()
