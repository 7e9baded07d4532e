"""The commands: their names, arguments and help. Each one is carried out by a module of its own, imported when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gesso import __version__
from gesso.cli.arguments import AsJson, Data
from gesso.cli.owners import project_app, user_app
from gesso.cli.refused import Refused

# Help without rich's boxes: importing rich takes longer than all the rest of `gesso --help`.
app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
webhooks_app = typer.Typer(help="Who was told of the end of a task, and what came of it.")
models_app = typer.Typer(help="The models of this server, and whether each can run.")
app.add_typer(project_app, name="project")
app.add_typer(user_app, name="user")
app.add_typer(models_app, name="models")
billing_app = typer.Typer(no_args_is_help=True, help="Money: what projects have, spent and may spend.")
app.add_typer(billing_app, name="billing")
app.add_typer(webhooks_app, name="webhooks")

TaskId = Annotated[int, typer.Argument(metavar="TASK", min=1, max=2**63 - 1, help="The task's id.")]


ProjectName = Annotated[str, typer.Argument(metavar="PROJECT", help="The project's id, or its name.")]


def main() -> None:
    """Run the command line. A refusal is one sentence on stderr and exit code 1."""
    try:
        app(prog_name="gesso")
    except Refused as refusal:
        sys.stderr.write(f"gesso: {refusal}\n")
        sys.exit(1)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"gesso {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)] = False,
) -> None:
    """A self-hosted platform that runs generative models for programs and for people."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [default: 127.0.0.1]", show_default=False)] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [default: 8700]", show_default=False)] = None,
    data: Data = None,
    workers: Annotated[
        int | None, typer.Option(help="Model processes on the CPU at most. [default: one for each core]", show_default=False)
    ] = None,
    public_url: Annotated[str | None, typer.Option(help="Origin of file URLs, such as https://gesso.example.", show_default=False)] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.", show_default=False)] = None,
) -> None:
    """Run the server, until Ctrl-C or SIGTERM."""
    from gesso.cli.serve import serve

    serve(data=data, host=host, port=port, workers=workers, public_url=public_url, log_level=log_level)


@models_app.callback(invoke_without_command=True)
def models(context: typer.Context, as_json: AsJson = False, data: Data = None) -> None:
    """The models of this server, and whether each can run."""
    if context.invoked_subcommand is None:
        from gesso.cli.models import show_models

        show_models(as_json, data)


@models_app.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(metavar="OWNER/SLUG", help="The model.")],
    source: Annotated[
        str, typer.Option("--from", help="A folder with the weights, or the URL of a mirror of the hub.", show_default=False)
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept the licence without being asked.")] = False,
    data: Data = None,
) -> None:
    """Fetch a model's weights.

    They come from the Hugging Face hub or a mirror, where an interrupted download goes on, or from a local folder. Each file is checked
    against the hash that the hub lists.
    """
    from gesso.cli.pull import pull

    pull(name, source, yes, data)


@app.command()
def run(
    model: Annotated[str, typer.Argument(metavar="OWNER/SLUG", help="The model.")],
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE | KEY=@FILE]...", help="Parameters; @ sends a file.", show_default=False)
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for what it makes.", show_default="the current one")] = Path(),
    url: Annotated[str | None, typer.Option(help="Another server than the one on the data folder.", show_default=False)] = None,
    key: Annotated[str | None, typer.Option(help="API key.", show_default=False)] = None,
    secret: Annotated[str | None, typer.Option(help="API secret, for a project that signs.", show_default=False)] = None,
    data: Data = None,
) -> None:
    """Run a model, and save what it makes.

    It goes through the API of a running server and starts no second one. Ctrl-C kills the task.
    """
    from gesso.cli.run import run

    run(model, values or [], out, data, url=url, key=key, secret=secret)


@app.command()
def tasks(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """The latest tasks of all projects."""
    from gesso.cli.tasks import show_tasks

    show_tasks(limit, as_json, data)


@app.command()
def replay(task: TaskId, as_json: AsJson = False, data: Data = None) -> None:
    """Run a task again, and say whether the same comes of it.

    It needs a running server. Exit code 1 when something else came of it.
    """
    from gesso.cli.replay import replay

    replay(task, as_json, data)


@webhooks_app.callback(invoke_without_command=True)
def webhooks(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Who was told of the end of a task, and what came of it: the latest first."""
    if context.invoked_subcommand is None:
        from gesso.cli.webhooks import show_webhooks

        show_webhooks(limit, as_json, data)


@webhooks_app.command("log")
def webhooks_log(task: TaskId, as_json: AsJson = False, data: Data = None) -> None:
    """Each try to tell of the end of one task."""
    from gesso.cli.webhooks import show_log

    show_log(task, as_json, data)


@webhooks_app.command("redeliver")
def webhooks_redeliver(task: TaskId, data: Data = None) -> None:
    """Tell of the end of one task again.

    Works beside a running server and without one.
    """
    from gesso.cli.webhooks import redeliver

    redeliver(task, data)


@billing_app.command("balance")
def billing_balance(project: ProjectName, as_json: AsJson = False, data: Data = None) -> None:
    """What a project has, and what it may still spend this month."""
    from gesso.cli.billing import show_balance

    show_balance(project, as_json, data)


@billing_app.command("credit", context_settings={"ignore_unknown_options": True})
def billing_credit(
    project: ProjectName,
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="What to add; less than 0 takes away.")],
    note: Annotated[str, typer.Option(help="What the ledger says of it.")] = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Add to a project's balance.

    Works beside a running server and without one.
    """
    from gesso.cli.billing import credit

    credit(project, amount, note, as_json, data)


@billing_app.command("ledger")
def billing_ledger(
    project: ProjectName,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many lines.")] = 20,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """The latest entries of a project's ledger, newest first."""
    from gesso.cli.billing import show_ledger

    show_ledger(project, limit, as_json, data)


@billing_app.command("usage")
def billing_usage(
    project: Annotated[str | None, typer.Argument(metavar="[PROJECT]", help="One project; all without it.", show_default=False)] = None,
    days: Annotated[int, typer.Option(min=1, max=3660, help="How many days back.")] = 30,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """What was used, by day, project and model."""
    from gesso.cli.billing import show_usage

    show_usage(project, days, as_json, data)


@billing_app.command("budget")
def billing_budget(
    project: ProjectName,
    amount: Annotated[
        str | None, typer.Argument(metavar="[AMOUNT]", help="A calendar month's budget, or none.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show or set what a project may spend in a month.

    When it is spent, no more tasks are accepted until the next month (UTC).
    """
    from gesso.cli.billing import budget

    budget(project, amount, as_json, data)


@app.command()
def doctor(data: Data = None) -> None:
    """Look for what is missing, and say what to do."""
    from gesso.cli.doctor import examine

    examine(data)


@app.command()
def migrate(data: Data = None) -> None:
    """Bring the database to the newest tables.

    `gesso serve` does so by itself.
    """
    from gesso.cli.accounts import migrate

    migrate(data)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """Measure a server on this machine.

    For a checkout of the repository. Arguments are passed on.
    """
    from gesso.cli.bench import bench

    bench(context.args)
