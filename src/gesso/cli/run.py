"""`gesso run`: one task through the API of a running server, with its progress, its log and its outputs saved."""

from __future__ import annotations

import asyncio
import difflib
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from gesso.cli.client import Api, Refusal, Submitted, Unauthorized, Unreachable
from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.running import find_key, find_running, note_key
from gesso.cli.screen import notices
from gesso.cli.watching import Watching
from gesso.config import ClientSettings, Settings
from gesso.domain.file import extension_of
from gesso.domain.model import clean
from gesso.domain.project import AuthMethod

_PROJECT = "command line"
_KILLED = 130
# What the API takes for every model, beside the model's own parameters.
_ALWAYS_KNOWN = {"callbackUrl", "callbackurl", "projectid"}
_TAKES_FILES = {"fileinput", "multifileinput"}


@dataclass(frozen=True, slots=True)
class Given:
    """The parameters of the command line. A name may come several times."""

    fields: tuple[tuple[str, str], ...]
    files: tuple[tuple[str, Path], ...]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in (*self.fields, *self.files)))


def run(model: str, values: Sequence[str], out: Path, data: Path | None, *, url: str | None, key: str | None, secret: str | None) -> None:
    """Errors: Refused. Leaves with exit code 1 when the task fails, 130 when it was killed with Ctrl-C."""
    owner, _, slug = model.partition("/")
    if not owner or not slug:
        raise Refused(f"{model} is no model: write OWNER/SLUG, such as gesso/echo. `gesso models` lists them.")
    given = read_values(values)
    settings = read_settings(data=data)
    console = notices()
    try:
        with connect(settings, url, key, secret) as api:
            _check(api, owner, slug, given, console)
            # Before the task, which may take long and cost something.
            _make_folder(out)
            task = api.submit(owner, slug, given.fields, given.files)
            record = watch(api, task, console, f"{owner}/{slug}")
            _finish(api, task, record, out, slug, console)
    except Unauthorized as error:
        raise Refused(
            f"The server does not accept this key: {error} Check --key and --secret, or GESSO_API_KEY and GESSO_API_SECRET."
        ) from error
    except Refusal as error:
        raise Refused(str(error)) from error
    except Unreachable as error:
        raise Refused(f"{error}.") from error
    except OSError as error:
        raise Refused(f"{error.filename or out}: {error.strerror or error}.") from error


def read_values(values: Iterable[str]) -> Given:
    """KEY=VALUE, KEY=@FILE, and KEY=@@TEXT for a text that begins with @. Errors: Refused."""
    fields: list[tuple[str, str]] = []
    files: list[tuple[str, Path]] = []
    for each in values:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise Refused(f"{each!r} is no parameter: write KEY=VALUE, or KEY=@FILE to send a file.")
        if value.startswith("@@") or not value.startswith("@"):
            fields.append((name, value.removeprefix("@") if value.startswith("@@") else value))
            continue
        path = Path(value[1:]).expanduser()
        if not path.is_file():
            raise Refused(f"{name}: there is no file {path}.")
        files.append((name, path))
    return Given(tuple(fields), tuple(files))


def connect(settings: Settings, url: str | None, key: str | None, secret: str | None) -> Api:
    """The server that is named, or else the one that runs on the data folder, there with a key of its own."""
    client = ClientSettings()
    url, key, secret = url or client.url, key or client.api_key, secret or client.api_secret
    if url:
        if not url.startswith(("http://", "https://")):
            raise Refused(f"{url} is no address: write http://HOST:PORT.")
        if not key:
            raise Refused(f"A key of {url} is needed: --key, or GESSO_API_KEY. `gesso project create` makes one.")
        return Api(url, key, secret)
    running = find_running(settings.data)
    if running is None or not running.is_alive:
        raise Refused(_no_server(settings))
    if key:
        return Api(running.url, key, secret)
    return Api(running.url, _own_key(running.url, settings))


def _own_key(url: str, settings: Settings) -> str:
    """The key of the command line on this data folder, made when there is none or when the server does not know it."""
    key = find_key(settings.data)
    try:
        with Api(url, key) as api:
            if api.is_known():
                return key
    except Unreachable:
        raise Refused(_no_server(settings)) from None
    # Needed once for a data folder, and as long to import as all the rest.
    from gesso.cli.accounts import new_project

    made = asyncio.run(new_project(settings, _PROJECT, AuthMethod.KEY))
    note_key(settings.data, made.api_key)
    return made.api_key


def _no_server(settings: Settings) -> str:
    serve = command("gesso serve", settings)
    return f"No server runs here: start one with `{serve}`, or name another one with --url."


def _check(api: Api, owner: str, slug: str, given: Given, console: Console) -> None:
    """Warn of parameters that the model does not have: the server would leave them aside.

    Errors: Refused for an unknown model, and for the name of a file here where the file itself is to be sent.
    """
    try:
        described = api.describe(owner, slug)
    except Refusal:
        raise Refused(f"There is no model {owner}/{slug} on this server.{_others(api)}") from None
    types: dict[str, str] = {item["id"]: item["type"] for group in described["parameters"] or [] for item in group["items"]}
    for name, value in given.fields:
        # The server takes a text there for an address, and could only say that it is none.
        if types.get(name.removesuffix("[]")) in _TAKES_FILES and _is_file(value):
            raise Refused(f"{name} takes a file, and {value} is the name of one: write {name}=@{value} to send it.")
    known = list(types)
    allowed = {*known, *_ALWAYS_KNOWN, *(f"{name}Url" for name in known), *(f"{name}[]" for name in known)}
    for name in given.names:
        if name not in allowed:
            near = difflib.get_close_matches(name, known, 1)
            hint = f" Did you mean {near[0]}?" if near else ""
            console.print(f"Warning: {owner}/{slug} has no parameter {name}, so it is left aside.{hint}", style="yellow")
            console.print(f"It has: {', '.join(known)}.", style="yellow")


def _is_file(value: str) -> bool:
    try:
        return Path(value).expanduser().is_file()
    except (OSError, RuntimeError, ValueError):
        # Too long for a name, or of nobody's home: it is something else.
        return False


def _make_folder(out: Path) -> None:
    """Errors: Refused when nothing can be written there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        raise Refused(f"Nothing can be saved in {out}: {error.strerror or error}. Choose another folder with --out.") from error


def _others(api: Api) -> str:
    try:
        return f" It has: {', '.join(api.models())}."
    except (Refusal, Unreachable):
        return " `gesso models` lists those of this machine."


def watch(api: Api, task: Submitted, console: Console, title: str) -> dict[str, Any]:
    """The task's record when it has ended."""
    with Watching(console, title) as watching:
        try:
            for frame in api.follow(task):
                watching.show(frame)
            record = api.detail(task)
        except KeyboardInterrupt:
            _kill(api, task, console)
            sys.exit(_KILLED)
    # What the model wrote before the socket was there: the record has it all.
    lines = record["debugoutput"].splitlines()
    for line in lines[: len(lines) - watching.lines_count]:
        console.print(f"  {line}", style="dim")
    return record


def _kill(api: Api, task: Submitted, console: Console) -> None:
    try:
        api.kill(task)
    except (Refusal, Unreachable) as error:
        console.print(f"Task {task.id} could not be killed: {error}", style="red")
    else:
        console.print(f"Task {task.id} was killed.")


def _finish(api: Api, task: Submitted, record: dict[str, Any], out: Path, slug: str, console: Console) -> None:
    if record["status"] == "task_cancel":
        raise Refused(f"Task {task.id} was cancelled.")
    if record["pexit"] != "0":
        reason = record["debugerror"].rstrip()
        console.print(reason, style="red")
        raise Refused(f"Task {task.id} failed.")
    cost = record["totalcost"].rstrip("0").rstrip(".")
    price = f", cost {cost}" if cost else ""
    console.print(f"Task {task.id} succeeded in {float(record['elapsedseconds']):.1f} s{price}.")
    for index, made in enumerate(record["outputs"]):
        try:
            path = save(api.fetch(made["url"]), out, f"{clean(slug)}-{task.id}-{index}", extension_of(made["name"]) or "bin")
        except (OSError, Refusal, Unreachable) as error:
            # What was made is not lost with the place for it.
            left = "".join(f"\n  {each['url']}" for each in record["outputs"][index:])
            reason = f"{error.filename or out}: {error.strerror or error}" if isinstance(error, OSError) else str(error)
            raise Refused(f"{reason}. The server keeps what could not be saved:{left}") from error
        # Results alone go to stdout, so that a script can take the paths from there.
        sys.stdout.write(f"{path}\n")
    sys.stdout.flush()


def save(chunks: Iterable[bytes], folder: Path, stem: str, extension: str) -> Path:
    """Write to a new file, `stem.extension` or the first `stem-N.extension` that is not there. Errors: OSError."""
    number, path = 1, folder / f"{stem}.{extension}"
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
            break
        except FileExistsError:
            number += 1
            path = folder / f"{stem}-{number}.{extension}"
    try:
        with os.fdopen(descriptor, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
