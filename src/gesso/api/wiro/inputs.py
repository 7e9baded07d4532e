"""The files among the inputs of a run, in all the ways in which clients of this wire send them. Source: protocol, section 3.3.

For a parameter X: file parts X; an address as text in X or XUrl; several as repeated parts, lists, lists in JSON text, or one text with
commas between the addresses. An empty counterpart counts as not sent. Decided here, because no source says:
- a parameter for one file that comes with two different ones (a part and an address, say) is refused, not settled by a rule of ours;
- `data:` addresses are refused with a sentence: bytes have a way of their own, the multipart form;
- an address of this very server is read from storage, where the client's own origin or the public one tells that it is ours.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson

from gesso.api.addresses import addressed_file, sent_file
from gesso.domain.errors import FileRefused
from gesso.domain.event import FileInput
from gesso.domain.file import Received
from gesso.domain.parameter import Kind, Parameter

# A comma may also stand inside an address, so only one with an address behind it separates.
_SEPARATOR = re.compile(r"[\s,]+(?=https?://|/v1/File/)", re.IGNORECASE)


class FileField:
    """How the files of one parameter are read. `names`: the fields that may hold them."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = parameter.id
        self._parameter = parameter
        names = (parameter.id, f"{parameter.id}Url", f"{parameter.id}[]")
        stem = parameter.id.removesuffix("Multiple")
        # n8n spells the address field of `...Multiple` in two ways.
        self.names = names if stem == parameter.id else (*names, f"{stem}UrlMultiple")

    def inputs(self, fields: Mapping[str, Any], parts: Sequence[tuple[str, Received]], origins: Collection[str]) -> tuple[FileInput, ...]:
        """The files and addresses that came. `origins`: those whose file addresses are ours. Errors: FileRefused."""
        parameter = self._parameter
        stored = [received for name, received in parts if name in self.names and (received.size_bytes or received.file_name)]
        # A client that floods aliases sends one address twice.
        addresses = dict.fromkeys(text for name in self.names if name in fields for text in _texts(parameter, fields[name]))
        count = len(stored) + len(addresses)
        if parameter.kind is Kind.FILE and count > 1:
            what = "both a file and an address" if stored and addresses else f"{count} {'files' if stored else 'addresses'}"
            raise FileRefused(parameter.id, f"{what} were sent, and it takes one file or one address")
        return (
            *(sent_file(parameter, received) for received in stored),
            *(addressed_file(parameter, address, origins) for address in addresses),
        )


def _texts(parameter: Parameter, value: Any) -> Iterator[str]:
    """All addresses in a field."""
    if value is None:
        return
    if isinstance(value, list):
        for one in value:
            yield from _texts(parameter, one)
        return
    if not isinstance(value, str):
        raise FileRefused(parameter.id, "a file, an address or a list of addresses was expected")
    text = value.strip()
    if text.startswith("["):
        yield from _texts(parameter, _listed(parameter, text))
    elif text:
        # One address for one file: its commas are its own.
        yield from _SEPARATOR.split(text.strip(", ")) if parameter.kind is Kind.FILES else (text,)


def _listed(parameter: Parameter, text: str) -> list[Any]:
    try:
        values = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise FileRefused(parameter.id, "the list of addresses is not readable as JSON") from None
    if any(isinstance(one, list) for one in values):
        raise FileRefused(parameter.id, "a list of addresses may not hold another list")
    return values
