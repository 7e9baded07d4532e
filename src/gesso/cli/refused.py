"""How a command says no."""


class Refused(Exception):
    """The command cannot be carried out; the text is a sentence for the person at the terminal, with what to do."""
