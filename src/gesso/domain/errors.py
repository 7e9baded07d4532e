"""Every error that gesso raises on purpose, as one tree.

GessoError
├── AccessRefused              who is asking may not
│   ├── KeyUnknown             no key, or one that no project has
│   ├── SignatureMissing       a signature project was called without its signature
│   ├── SignatureInvalid       the signature is not the one that the secret gives
│   ├── AddressNotAllowed      the project lists addresses, and this is none of them
│   ├── TokenMissing           an account call without the token of a sign-in
│   ├── TokenInvalid           a token that was never given, or was signed out
│   ├── TokenExpired           a token whose time is over
│   ├── SigninRefused          no such address, or not its password
│   ├── CodeRefused            the second step of a sign-in failed
│   ├── SignupClosed           the server takes no new accounts
│   ├── RoleTooLow             a member asks for what only owners may do
│   └── TooManyAttempts        too many proofs failed; a later one is looked at again
├── InputRefused               what was sent cannot be honoured; a sentence says why
│   ├── BodyUnreadable         neither JSON nor a form, truncated, or malformed
│   ├── BodyTooLarge           over the limit of the body or of one of its parts
│   ├── ParameterMissing       a required value is absent
│   ├── FileMissing            a required file is absent
│   ├── ParameterNotNumber     a number was expected
│   ├── ParameterOutOfRange    a number, or a text's length, is outside its bounds
│   ├── ParameterNotAllowed    a value is none of the options, or not of the kind
│   ├── FileRefused            a file is not what the parameter takes
│   ├── FetchRefused           an address may not, or could not, be fetched
│   ├── UploadRefused          a file is not what may be kept
│   ├── FolderRefused          a folder may not be made so
│   └── RepeatRefused          the key of an order was used for another one
├── ProjectUnknown             no such project for this person
├── UserUnknown                no account has that address
├── LastOwner                  a project keeps one owner
├── LimitReached               there are as many of these as there may be
├── MailMissing                the server sends no mail
├── PaymentRefused             what the project has does not carry one more task
│   ├── BalanceTooLow          prepaid, and nothing is left
│   ├── TooManyActiveTasks     prepaid, and the balance carries no more tasks at once
│   └── BudgetSpent            the project has spent what it may spend this month
├── ModelUnknown               no model of that name
├── ModelNotReady              the model is known but cannot run here yet
├── TaskUnknown                no such task for this project
├── TaskReferenceMissing       the call names no task
├── NotCancellable             the task has left the queue
├── NotKillable                the task has ended
├── NotEnded                   the task has files that it still needs
├── FileUnknown                no such file
├── FolderUnknown              no such folder for this project
├── Unavailable                not now: the server stops, or its disk or database refuses
├── StaleAttempt               a write of an Attempt that has been replaced
└── IllegalStep                an Event that the state of the task does not admit

A leaf has a stable `slug`, a `sentence` and typed fields. It knows no HTTP status and no wire code: each dialect maps slugs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class GessoError(Exception):
    """Base of the tree. `sentence` is a format string over the fields of the leaf."""

    slug: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "Something went wrong in the server."

    def __str__(self) -> str:
        return self.sentence.format(**vars(self))


class AccessRefused(GessoError):
    """Who is asking may not."""


@dataclass(eq=False)
class KeyUnknown(AccessRefused):
    slug: ClassVar[str] = "key-unknown"
    sentence: ClassVar[str] = "No project has this API key."


@dataclass(eq=False)
class SignatureMissing(AccessRefused):
    slug: ClassVar[str] = "signature-missing"
    sentence: ClassVar[str] = "This project signs its requests: a nonce and a signature are needed."


@dataclass(eq=False)
class SignatureInvalid(AccessRefused):
    slug: ClassVar[str] = "signature-invalid"
    sentence: ClassVar[str] = "The signature does not match the key, the secret and the nonce."


@dataclass(eq=False)
class AddressNotAllowed(AccessRefused):
    address: str
    slug: ClassVar[str] = "address-not-allowed"
    sentence: ClassVar[str] = "This project does not accept requests from {address}."


@dataclass(eq=False)
class TokenMissing(AccessRefused):
    slug: ClassVar[str] = "token-missing"
    sentence: ClassVar[str] = "Sign in first: this call needs the token of an account."


@dataclass(eq=False)
class TokenInvalid(AccessRefused):
    slug: ClassVar[str] = "token-invalid"
    sentence: ClassVar[str] = "This token belongs to no session. Sign in again."


@dataclass(eq=False)
class TokenExpired(AccessRefused):
    slug: ClassVar[str] = "token-expired"
    sentence: ClassVar[str] = "The session is over. Sign in again."


@dataclass(eq=False)
class SigninRefused(AccessRefused):
    slug: ClassVar[str] = "signin-refused"
    sentence: ClassVar[str] = "The e-mail address or the password is not right."


@dataclass(eq=False)
class CodeRefused(AccessRefused):
    slug: ClassVar[str] = "code-refused"
    sentence: ClassVar[str] = "The code is not right, or the sign-in has taken too long. Sign in again."


@dataclass(eq=False)
class SignupClosed(AccessRefused):
    slug: ClassVar[str] = "signup-closed"
    sentence: ClassVar[str] = "This server takes no new accounts: ask the one who runs it."


@dataclass(eq=False)
class RoleTooLow(AccessRefused):
    slug: ClassVar[str] = "role-too-low"
    sentence: ClassVar[str] = "Only an owner of the project may do this."


@dataclass(eq=False)
class TooManyAttempts(AccessRefused):
    retry_after_s: int
    slug: ClassVar[str] = "too-many-attempts"
    sentence: ClassVar[str] = "Too many attempts failed. Try again in {retry_after_s} seconds."


class InputRefused(GessoError):
    """What was sent cannot be honoured."""


@dataclass(eq=False)
class BodyUnreadable(InputRefused):
    reason: str
    slug: ClassVar[str] = "body-unreadable"
    sentence: ClassVar[str] = "The request body could not be read: {reason}."


@dataclass(eq=False)
class BodyTooLarge(InputRefused):
    limit_bytes: int
    slug: ClassVar[str] = "body-too-large"
    sentence: ClassVar[str] = "The request is larger than the limit of {limit_bytes} bytes."


@dataclass(eq=False)
class ParameterMissing(InputRefused):
    name: str
    slug: ClassVar[str] = "parameter-missing"
    sentence: ClassVar[str] = "The parameter {name} is required."


@dataclass(eq=False)
class FileMissing(InputRefused):
    name: str
    slug: ClassVar[str] = "file-missing"
    sentence: ClassVar[str] = "A file is required for {name}: send one, or its URL."


@dataclass(eq=False)
class ParameterNotNumber(InputRefused):
    name: str
    slug: ClassVar[str] = "parameter-not-number"
    sentence: ClassVar[str] = "The parameter {name} must be a number."


@dataclass(eq=False)
class ParameterOutOfRange(InputRefused):
    name: str
    minimum: str
    maximum: str
    slug: ClassVar[str] = "parameter-out-of-range"
    sentence: ClassVar[str] = "The parameter {name} must be between {minimum} and {maximum}."


@dataclass(eq=False)
class ParameterNotAllowed(InputRefused):
    name: str
    reason: str
    slug: ClassVar[str] = "parameter-not-allowed"
    sentence: ClassVar[str] = "The parameter {name} cannot be used as sent: {reason}."


@dataclass(eq=False)
class FileRefused(InputRefused):
    name: str
    reason: str
    slug: ClassVar[str] = "file-refused"
    sentence: ClassVar[str] = "The file for {name} cannot be used: {reason}."


@dataclass(eq=False)
class FetchRefused(InputRefused):
    url: str
    reason: str
    slug: ClassVar[str] = "fetch-refused"
    sentence: ClassVar[str] = "The address {url} could not be fetched: {reason}."


@dataclass(eq=False)
class UploadRefused(InputRefused):
    name: str
    reason: str
    slug: ClassVar[str] = "upload-refused"
    sentence: ClassVar[str] = "The file {name} cannot be kept: {reason}."


@dataclass(eq=False)
class FolderRefused(InputRefused):
    reason: str
    slug: ClassVar[str] = "folder-refused"
    sentence: ClassVar[str] = "The folder cannot be made: {reason}."


@dataclass(eq=False)
class RepeatRefused(InputRefused):
    key: str
    slug: ClassVar[str] = "repeat-refused"
    sentence: ClassVar[str] = "The key {key} was used for another order within a day. Send what was sent with it, or a new key."


@dataclass(eq=False)
class ProjectUnknown(GessoError):
    slug: ClassVar[str] = "project-unknown"
    sentence: ClassVar[str] = "There is no such project."


@dataclass(eq=False)
class UserUnknown(GessoError):
    email: str
    slug: ClassVar[str] = "user-unknown"
    sentence: ClassVar[str] = "Nobody here has the address {email}."


@dataclass(eq=False)
class LastOwner(GessoError):
    slug: ClassVar[str] = "last-owner"
    sentence: ClassVar[str] = "A project keeps at least one owner: make somebody else an owner first."


@dataclass(eq=False)
class LimitReached(GessoError):
    what: str
    limit: int
    slug: ClassVar[str] = "limit-reached"
    sentence: ClassVar[str] = "There may be no more than {limit} {what}."


@dataclass(eq=False)
class MailMissing(GessoError):
    slug: ClassVar[str] = "mail-missing"
    sentence: ClassVar[str] = "This server sends no e-mail, so it can send no code: sign in with the password."


class PaymentRefused(GessoError):
    """What the Project has does not carry one more Task."""


@dataclass(eq=False)
class BalanceTooLow(PaymentRefused):
    slug: ClassVar[str] = "balance-too-low"
    sentence: ClassVar[str] = "The balance of the project is too low to start a task."


@dataclass(eq=False)
class TooManyActiveTasks(PaymentRefused):
    balance: str
    limit: int
    slug: ClassVar[str] = "too-many-active-tasks"
    sentence: ClassVar[str] = "With a balance of {balance}, {limit} tasks may be under way at the same time."


@dataclass(eq=False)
class BudgetSpent(PaymentRefused):
    budget: str
    spent: str
    slug: ClassVar[str] = "budget-spent"
    sentence: ClassVar[str] = (
        "The project has spent {spent} of its budget of {budget} for this month: raise the budget, or wait for the next month."
    )


@dataclass(eq=False)
class ModelUnknown(GessoError):
    name: str
    slug: ClassVar[str] = "model-unknown"
    sentence: ClassVar[str] = "There is no model {name} on this server."


@dataclass(eq=False)
class ModelNotReady(GessoError):
    """`state`: what is missing in two or three words. The whole reason names folders of the server, and is for who runs it."""

    name: str
    state: str
    slug: ClassVar[str] = "model-not-ready"
    sentence: ClassVar[str] = "{name} cannot run on this server yet: {state}. Whoever runs the server is told what to do by `gesso models`."


@dataclass(eq=False)
class TaskUnknown(GessoError):
    slug: ClassVar[str] = "task-unknown"
    sentence: ClassVar[str] = "There is no such task."


@dataclass(eq=False)
class TaskReferenceMissing(GessoError):
    slug: ClassVar[str] = "task-reference-missing"
    sentence: ClassVar[str] = "Name the task by its id or by its token."


@dataclass(eq=False)
class NotCancellable(GessoError):
    slug: ClassVar[str] = "not-cancellable"
    sentence: ClassVar[str] = "Only a queued task can be cancelled; kill a running one."


@dataclass(eq=False)
class NotKillable(GessoError):
    reason: str
    slug: ClassVar[str] = "not-killable"
    sentence: ClassVar[str] = "The task cannot be killed: {reason}."


@dataclass(eq=False)
class NotEnded(GessoError):
    slug: ClassVar[str] = "not-ended"
    sentence: ClassVar[str] = "The files of a task can be deleted once it has ended; cancel or kill it first."


@dataclass(eq=False)
class FileUnknown(GessoError):
    slug: ClassVar[str] = "file-unknown"
    sentence: ClassVar[str] = "There is no such file."


@dataclass(eq=False)
class FolderUnknown(GessoError):
    slug: ClassVar[str] = "folder-unknown"
    sentence: ClassVar[str] = "There is no such folder."


@dataclass(eq=False)
class Unavailable(GessoError):
    reason: str
    slug: ClassVar[str] = "unavailable"
    sentence: ClassVar[str] = "The server cannot take this now: {reason}. Try again later."


@dataclass(eq=False)
class StaleAttempt(GessoError):
    task_id: int
    attempt: int
    slug: ClassVar[str] = "stale-attempt"
    sentence: ClassVar[str] = "Attempt {attempt} of task {task_id} has been replaced."


@dataclass(eq=False)
class IllegalStep(GessoError):
    state: str
    event: str
    slug: ClassVar[str] = "illegal-step"
    sentence: ClassVar[str] = "A task that is {state} does not admit the event {event}."


def leaves(root: type[GessoError] = GessoError) -> list[type[GessoError]]:
    """All errors that can be raised: the classes of the tree that carry a slug of their own."""
    found: list[type[GessoError]] = []
    for child in root.__subclasses__():
        if "slug" in vars(child):
            found.append(child)
        found.extend(leaves(child))
    return found
