"""`gesso serve`: binds, serves, says where everything is, and notes the running server in the data folder."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
from typing import Any

from rich.console import Console

from gesso import __version__
from gesso.cli.options import command, read_settings
from gesso.cli.refused import Refused
from gesso.cli.running import Running, find_running, forget_running, note_running
from gesso.cli.screen import output, state
from gesso.cli.storage import sentences
from gesso.config import Settings
from gesso.observe import configure_logs
from gesso.services.catalog import Catalog
from gesso.serving import bind
from gesso.serving import serve as serve_until_signal
from gesso.store.log_folder import LogFolder
from gesso.wiring import House

_BACKLOG = 2048
_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104


def serve(**given: Any) -> None:
    """Serve until a signal comes. Errors: Refused."""
    settings = read_settings(**given)
    if settings.log_level.upper() not in logging.getLevelNamesMapping():
        raise Refused(f"The setting log_level cannot be {settings.log_level!r}: choose debug, info, warning or error.")
    kept = LogFolder()
    configure_logs(settings.log_level, kept.put)
    listener = _listen(settings)
    data = settings.data.resolve()

    def announce(house: House) -> None:
        # One turn of the loop later the server has its signal handlers: who reads that it is ready may stop it at once.
        asyncio.get_running_loop().call_soon(tell, house)

    def tell(house: House) -> None:
        kept.open(data / "logs")
        # The port answers from here on: who finds the note may connect at once.
        listener.listen(_BACKLOG)
        url = _url(settings.host, listener)
        note_running(data, Running(url, os.getpid()))
        _print_where(settings, house.catalog, url)

    # Until the server takes signals over, SIGTERM does what Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with sentences(settings):
            serve_until_signal(settings, listener, announce)
    except KeyboardInterrupt:
        # The signal came before the server took them over: nothing was accepted yet.
        pass
    finally:
        listener.close()
        forget_running(data, os.getpid())
        kept.close()


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.host, settings.port
    try:
        return bind(host, port)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            here = find_running(settings.data)
            if here is not None and here.is_alive and here.url.endswith(f":{port}"):
                raise Refused(f"gesso already runs here, at {here.url}.") from error
            raise Refused(f"Port {port} of {host} is taken. Choose another one: gesso serve --port {port + 1}") from error
        if error.errno == errno.EACCES:
            raise Refused(f"Port {port} needs more rights. Choose one above 1023: gesso serve --port 8700") from error
        raise Refused(f"{host} is no address of this machine: {error.strerror or error}. Choose another one with --host.") from error


def _url(host: str, listener: socket.socket) -> str:
    name = _ANY_ADDRESS.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{listener.getsockname()[1]}"


def _print_where(settings: Settings, catalog: Catalog, url: str) -> None:
    console = output()
    console.print(f"gesso {__version__} is ready. Its data is in {settings.data.resolve()}.\n", style="bold")
    console.print(f"  API        {url}/v1")
    console.print(f"  Socket     {url.replace('http', 'ws', 1)}/v1")
    console.print(f"  Dashboard  {url}/")
    if settings.host in _ANY_ADDRESS:
        console.print("  Other machines reach it at this one's addresses.")
    _print_models(console, catalog)
    console.print("\nNext, in another terminal:")
    console.print(f"  {command('gesso run gesso/echo text=Hello', settings)}")
    console.print(f"  {command('gesso project create my-project', settings)}     a key for your programs")
    console.print("\nCtrl-C stops the server.")
    console.file.flush()


def _print_models(console: Console, catalog: Catalog) -> None:
    console.print("\nModels:")
    width = max(len(model.name) for model in catalog.all())
    for model in catalog.all():
        readiness = catalog.readiness(model)
        console.print(f"  {model.name:<{width}}  ", state(readiness.state, readiness.is_ready), sep="")
        if not readiness.is_ready:
            console.print(f"  {'':<{width}}  {readiness.reason}", style="dim")
