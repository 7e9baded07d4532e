"""`python -m gesso`."""

from gesso.cli import main

main()
