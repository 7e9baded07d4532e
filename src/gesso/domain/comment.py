"""What people say about a Model: Comments that all read, and Reports for whoever runs the server."""

from __future__ import annotations

from dataclasses import dataclass

from gesso.domain.errors import ParameterNotAllowed
from gesso.domain.limits import COMMENT_MAX_CHARACTERS


@dataclass(frozen=True, slots=True)
class Comment:
    """`model`: its name. `author`: an e-mail address; empty when that User is gone. Times in microseconds since 1970, UTC."""

    id: int
    model: str
    user_id: int
    author: str
    text: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Report:
    """`closed_at`: when somebody has dealt with it; 0 before."""

    id: int
    model: str
    user_id: int
    author: str
    text: str
    created_at: int
    closed_at: int = 0


def check_text(given: str) -> str:
    """The text of either as it is kept. Errors: ParameterNotAllowed."""
    text = given.replace("\r\n", "\n").strip()
    if not text:
        raise ParameterNotAllowed("text", "it is empty")
    if len(text) > COMMENT_MAX_CHARACTERS:
        raise ParameterNotAllowed("text", f"{COMMENT_MAX_CHARACTERS} characters are the most")
    if "\0" in text:
        raise ParameterNotAllowed("text", "it holds a character that no text has")
    return text
