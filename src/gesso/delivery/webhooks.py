"""One POST to an address that a client gave: what may come back, how long it may take, and what it means.

It gets a client that guards where it connects to, and follows no redirect. It logs nothing: addresses may carry secrets. Source: Standard
Webhooks 1.0; RFC 9110, sections 10.2.3 and 15.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from gesso.domain.limits import WEBHOOK_ANSWER_MAX_BYTES, WEBHOOK_ANSWER_TIMEOUT_S, WEBHOOK_TIMEOUT_S
from gesso.ports import AddressForbidden

_GONE = 410
_SHOWN_MAX_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a POST. `status` 0: no answer came. `error`: empty for success. `answer`: its start, in printable characters.

    `is_final`: trying again cannot help. `retry_after_s`: how long the receiver asks to be left alone.
    """

    status: int = 0
    error: str = ""
    answer: str = ""
    retry_after_s: float = 0.0
    is_final: bool = False


class Sender:
    """`client`: closed with this. `timeout_s`: from the name's look-up to the status of the answer."""

    def __init__(self, client: httpx.AsyncClient, timeout_s: float = WEBHOOK_TIMEOUT_S) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Never raises what a receiver, or an address, can bring about."""
        try:
            # A kept connection may be closed by the other end just as it is used again, which would look like a failed try.
            request = self._client.build_request("POST", url, content=body, headers={**headers, "connection": "close"})
            async with asyncio.timeout(self._timeout_s):
                response = await self._client.send(request, stream=True, follow_redirects=False)
        except AddressForbidden as error:
            return Reply(error=f"The address is not allowed: {error}", is_final=True)
        except httpx.InvalidURL:
            return Reply(error="It is not a valid address", is_final=True)
        except (TimeoutError, httpx.TimeoutException):
            return Reply(error=f"No answer came within {self._timeout_s:g} seconds")
        except httpx.HTTPError as error:
            return Reply(error=_reason(error))
        try:
            return await self._read(response)
        finally:
            await response.aclose()

    async def close(self) -> None:
        await self._client.aclose()

    async def _read(self, response: httpx.Response) -> Reply:
        answer = bytearray()
        try:
            # The status says it all; the body is for people. It must not hold the place of another delivery.
            async with asyncio.timeout(min(self._timeout_s, WEBHOOK_ANSWER_TIMEOUT_S)):
                async for chunk in response.aiter_raw():
                    answer += chunk[: WEBHOOK_ANSWER_MAX_BYTES - len(answer)]
                    if len(answer) >= WEBHOOK_ANSWER_MAX_BYTES:
                        break
        except (TimeoutError, httpx.HTTPError):
            pass
        status, shown = response.status_code, printable(answer.decode("utf-8", "replace"))
        if response.is_success:
            return Reply(status, answer=shown)
        error = f"The receiver answered {status}"
        if response.has_redirect_location:
            error += ", and redirects are not followed"
        return Reply(status, error, shown, retry_after_s(response.headers.get("retry-after", ""), _now), status == _GONE)


def printable(text: str) -> str:
    """What can be shown on a terminal: whatever else is in it becomes a space. Unpaired surrogates are not printable, nor is NUL."""
    return "".join(character if character.isprintable() else " " for character in text).strip()


def retry_after_s(header: str, now: Callable[[], datetime]) -> float:
    """The seconds that a Retry-After header asks for, 0 when it asks for none or cannot be read."""
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text[:10])
    try:
        then = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    # A date without a zone is said to be in GMT.
    return max(0.0, ((then if then.tzinfo else then.replace(tzinfo=UTC)) - now()).total_seconds())


def _now() -> datetime:
    return datetime.now(UTC)


def _reason(error: httpx.HTTPError) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return "The receiver has no valid certificate for this name"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return f"The receiver could not be reached: {printable(str(error))[:_SHOWN_MAX_CHARACTERS]}"
    return "The receiver broke off, or its answer was not HTTP"
