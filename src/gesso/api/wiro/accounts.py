"""Calls about people: sign up, sign in, sessions, second factor. Source: protocol, sections 1 and 2.11.

Decided here: a refused sign-in is HTTP 200 with code 1, because clients show the text of a 200; a password that is enough by itself is
answered with the token and an empty `verifytoken`, because the Go client asks for a code whenever that is not empty; and no code is sent
by mail, because the server sends none. The routes that the protocol does not name are in its style.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gesso.api.dialect import Answer, Services
from gesso.api.request import Request
from gesso.api.wiro import asking
from gesso.api.wiro.auth import token_of
from gesso.api.wiro.calls import Calls, Route, told
from gesso.api.wiro.encode import seconds
from gesso.domain import second_factor
from gesso.domain.errors import MailMissing, ParameterMissing, ParameterNotAllowed
from gesso.domain.limits import PASSWORD_MAX_CHARACTERS
from gesso.domain.user import Session, User
from gesso.services.accounts import Sender, SignedIn

_DONE: Mapping[str, Any] = {"result": True, "errors": []}


class AccountCalls:
    def __init__(self, services: Services, calls: Calls) -> None:
        self._services = services
        self._calls = calls
        self.routes: Mapping[tuple[str, ...], Route] = {
            ("Auth", "Signup", "EmailAndPassword"): self._sign_up,
            ("Auth", "Signin", "EmailAndPassword"): self._sign_in,
            ("Auth", "Signin", "EmailAndOneTimeCode"): self._sign_in_by_mail,
            ("Auth", "SigninVerify"): self._verify,
            ("Auth", "Signout"): self._sign_out,
            ("Auth", "PasswordUpdate"): self._change_password,
            ("Auth", "SessionList"): self._sessions,
            ("Auth", "SessionDelete"): self._end_session,
            ("Auth", "TwoFactor", "Prepare"): self._prepare_second_factor,
            ("Auth", "TwoFactor", "Enable"): self._set_second_factor,
            ("Auth", "TwoFactor", "Disable"): self._drop_second_factor,
            ("User", "Detail"): self._user,
        }

    async def _sign_up(self, request: Request) -> Answer:
        fields = await self._calls.fields(request)
        email, password = _demanded(fields, "email"), _password(fields, "password")
        return _signed_in(await self._services.users.sign_up(email, password, self._sender(request)))

    async def _sign_in(self, request: Request) -> Answer:
        fields = await self._calls.fields(request)
        email, password = _demanded(fields, "email"), _password(fields, "password")
        return _signed_in(await self._services.users.sign_in(email, password, self._sender(request)))

    async def _sign_in_by_mail(self, request: Request) -> Answer:
        await self._calls.fields(request)
        raise MailMissing

    async def _verify(self, request: Request) -> Answer:
        fields = await self._calls.fields(request)
        # The Go client always sends `code`, and the code of the telephone apart when it has one.
        code = asking.word(fields, "authcode") or asking.word(fields, "code")
        signed = await self._services.users.verify(asking.word(fields, "verifytoken"), code, self._sender(request))
        return told({**_DONE, "token": signed.token, "user": user_record(signed.user)})

    async def _sign_out(self, request: Request) -> Answer:
        session, user = await self._session(request)
        is_everywhere = asking.flag(await self._calls.fields(request), "all")
        sessions = self._services.sessions
        await (sessions.end_all(user) if is_everywhere else sessions.end(session))
        return told(_DONE)

    async def _user(self, request: Request) -> Answer:
        _, user = await self._session(request)
        await self._calls.fields(request)
        return told({**_DONE, "user": user_record(user)})

    async def _sessions(self, request: Request) -> Answer:
        here, user = await self._session(request)
        await self._calls.fields(request)
        found = await self._services.sessions.all(user)
        return told({**_DONE, "total": str(len(found)), "list": [_session_record(session, here) for session in found]})

    async def _end_session(self, request: Request) -> Answer:
        _, user = await self._session(request)
        given = _demanded(await self._calls.fields(request), "id")
        if not given.isascii() or not given.isdigit() or len(given) > _ID_MAX_DIGITS:
            raise ParameterNotAllowed("id", "it is the id of no session")
        # One that has ended meanwhile is as good as ended now.
        await self._services.sessions.end_by_id(user, int(given))
        return told(_DONE)

    async def _change_password(self, request: Request) -> Answer:
        session, user = await self._session(request)
        fields = await self._calls.fields(request)
        before, after = _password(fields, "password"), _password(fields, "newpassword")
        await self._services.users.change_password(user, before, after, session, self._sender(request))
        return told(_DONE)

    async def _prepare_second_factor(self, request: Request) -> Answer:
        _, user = await self._session(request)
        await self._calls.fields(request)
        secret = second_factor.new_secret()
        return told({**_DONE, "secret": secret, "url": second_factor.address(secret, user.email)})

    async def _set_second_factor(self, request: Request) -> Answer:
        _, user = await self._session(request)
        fields = await self._calls.fields(request)
        secret, code = _demanded(fields, "secret"), _demanded(fields, "authcode")
        await self._services.users.set_second_factor(user, _password(fields, "password"), secret, code, self._sender(request))
        return told(_DONE)

    async def _drop_second_factor(self, request: Request) -> Answer:
        _, user = await self._session(request)
        fields = await self._calls.fields(request)
        await self._services.users.drop_second_factor(user, _password(fields, "password"), self._sender(request))
        return told(_DONE)

    async def _session(self, request: Request) -> tuple[Session, User]:
        return await self._services.sessions.find(token_of(request.headers), request.address(self._services.trusted_proxies))

    def _sender(self, request: Request) -> Sender:
        agent = request.headers.get(b"user-agent", b"").decode("latin-1")
        return Sender(request.address(self._services.trusted_proxies), agent)


_ID_MAX_DIGITS = 18


def user_record(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "uuid": user.uuid,
        "email": user.email,
        "isadmin": user.is_admin,
        "twofactor": int(user.has_second_factor),
        "time": seconds(user.created_at),
    }


def _session_record(session: Session, here: Session) -> dict[str, Any]:
    return {
        "id": str(session.id),
        "time": seconds(session.created_at),
        "lastseentime": seconds(session.seen_at),
        "expiretime": seconds(session.expires_at),
        "ip": session.network,
        "useragent": session.agent,
        "iscurrent": session.id == here.id,
    }


def _signed_in(signed: SignedIn) -> Answer:
    return told(
        {
            **_DONE,
            "token": "" if signed.is_pending else signed.token,
            "verifytoken": signed.token if signed.is_pending else "",
            "emailverifyrequired": 0,
            "phoneverifyrequired": 0,
            "twofactorverifyrequired": int(signed.is_pending),
            # Who has shown a password only is not told more than what was sent.
            "user": {} if signed.is_pending else user_record(signed.user),
        }
    )


def _demanded(fields: Mapping[str, Any], name: str) -> str:
    """Errors: ParameterMissing, ParameterNotAllowed."""
    given = asking.word(fields, name)
    if not given:
        raise ParameterMissing(name)
    return given


def _password(fields: Mapping[str, Any], name: str) -> str:
    """As it was sent: blanks around a password belong to it. Errors: ParameterMissing, ParameterNotAllowed."""
    given = fields.get(name)
    if given is None or given == "":
        raise ParameterMissing(name)
    if not isinstance(given, str) or len(given) > PASSWORD_MAX_CHARACTERS:
        raise ParameterNotAllowed(name, f"a text of {PASSWORD_MAX_CHARACTERS} characters at most was expected")
    return given
