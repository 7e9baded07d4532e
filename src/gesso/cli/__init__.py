"""The command line. Only typer is imported here: a command imports what it needs when it is called, so that help is instant."""

from gesso.cli.app import main

__all__ = ["main"]
