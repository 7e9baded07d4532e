"""The table of errors is whole, and its texts are the wire's."""

from __future__ import annotations

import dataclasses

import orjson
import pytest
from requirements import proves

from gesso.api.wiro.errors import ROWS, explain
from gesso.domain import errors


def _made(leaf: type[errors.GessoError]) -> errors.GessoError:
    fields = dataclasses.fields(leaf) if dataclasses.is_dataclass(leaf) else ()
    return leaf(*(7 if "int" in str(field.type) else f"a {{{field.name}}}" for field in fields if field.init))


@proves("ground.envelope")
def test_every_leaf_of_the_tree_has_a_row_and_every_row_a_leaf() -> None:
    assert {leaf.slug for leaf in errors.leaves()} == ROWS.keys()


@pytest.mark.parametrize("leaf", errors.leaves(), ids=lambda leaf: leaf.__name__)
@proves("ground.envelope", "ground.internal", "ground.unavailable")
def test_every_error_is_answered_in_the_envelope(leaf: type[errors.GessoError]) -> None:
    answer = explain(_made(leaf))
    body = orjson.loads(answer.body)
    assert body["result"] is False
    assert [sorted(error) for error in body["errors"]] == [["code", "message"]]
    assert body["errors"][0]["message"]
    assert (answer.status in (429, 503)) == any(name == b"retry-after" for name, _ in answer.headers)


@pytest.mark.parametrize(
    ("error", "status", "code", "text"),
    [
        (errors.AddressNotAllowed("10.0.0.1"), 401, 0, "Requested ip 10.0.0.1 is not allowed."),
        (errors.BodyUnreadable("x"), 200, 0, "Request parameters are invalid."),
        (errors.BodyTooLarge(9), 200, 0, "The request is larger than the limit of 9 bytes."),
        (errors.ParameterMissing("prompt"), 200, 0, "Request parameter [prompt] required"),
        (errors.FileMissing("inputImage"), 200, 0, "Request files [inputImage] required"),
        (errors.ParameterNotNumber("steps"), 200, 0, "Request parameter [steps] must be integer or float"),
        (errors.ParameterOutOfRange("steps", "1", "500"), 200, 0, "Request parameter [steps] must be between 1 and 500"),
        (errors.ModelUnknown("a/b"), 200, 1, "slug-owner-project-not-exist"),
        (errors.TaskUnknown(), 200, 1, "There is no task yet."),
        (errors.TaskReferenceMissing(), 200, 0, "taskid or socketaccesstoken is required"),
        (errors.NotCancellable(), 200, 1, "Task is not in a cancellable state."),
        (errors.NotKillable("it has ended"), 200, 1, "Task could not be killed: it has ended"),
        (errors.Unavailable("the disk is full"), 503, 0, "The server cannot take this now: the disk is full. Try again later."),
    ],
)
@proves("auth.address", "run.required", "run.number", "run.range", "run.files-required", "kill.ended", "ground.too-large", "detail.nothing")
def test_texts_are_exact(error: errors.GessoError, status: int, code: int, text: str) -> None:
    answer = explain(error)
    assert answer.status == status
    assert orjson.loads(answer.body)["errors"] == [{"code": code, "message": text}]


@proves("run.not-ready")
def test_a_model_that_cannot_run_here_says_what_is_missing_and_who_is_told_what_to_do() -> None:
    message = orjson.loads(explain(errors.ModelNotReady("a/b", "weights missing")).body)["errors"][0]
    assert message["code"] == 1
    assert message["message"].startswith("tool-not-accessible: a/b cannot run on this server yet: weights missing.")
    assert "`gesso models`" in message["message"]
