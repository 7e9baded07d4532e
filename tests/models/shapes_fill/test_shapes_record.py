"""The committed weights are those that the record of their training tells of."""

from __future__ import annotations

import json
from pathlib import Path

from gesso.models.flux_fill.weights import check_folder
from gesso.models.shapes_fill.model import MODEL
from gesso.models.shapes_fill.weights import FOLDER
from training.shapes_fill import record

DECISION = Path(__file__).parents[3] / "docs" / "decisions" / "0015-shapes-fill.md"
# Of the table in the decision.
ROWS = {
    "taught": "one thing, taught",
    "held out": "one thing, its pair of colour and shape held out",
    "two": "two things",
    "all": "all",
}
MOST_BYTES = 12_000_000


def test_every_file_has_the_hash_that_the_record_says() -> None:
    body = json.loads((FOLDER / record.NAME).read_text("utf-8"))
    assert body["files"] == record.hashes(FOLDER)


def test_the_record_says_how_it_came_about() -> None:
    body = json.loads((FOLDER / record.NAME).read_text("utf-8"))
    assert body["plan"]["seed"] == 7
    assert body["course"]["steps"] > 0
    assert body["course"]["wall_s"] > 0
    assert body["course"]["losses"][-1] < body["course"]["losses"][0]
    assert {"torch", "diffusers", "transformers", "numpy"} <= set(body["packages"])


def test_the_scores_of_two_hundred_cases_are_in_the_record() -> None:
    scores = json.loads((FOLDER / record.NAME).read_text("utf-8"))["course"]["scores"]
    assert scores[max(scores, key=int)]["all"]["cases"] == 200


def test_the_decision_and_the_models_page_tell_what_the_record_says_of_fresh_cases() -> None:
    fresh = json.loads((FOLDER / record.NAME).read_text("utf-8"))["course"]["fresh"]["all"]
    told = DECISION.read_text("utf-8")
    for group, name in ROWS.items():
        found = fresh[group]
        assert f"| {name} | {found['cases']} | {found['colour']:.1%} | {found['shape']:.1%} |" in told
    single = min(fresh["taught"]["shape"], fresh["held out"]["shape"])
    assert f"Of a hundred pictures of one thing, {single:.0%}".rstrip("%") in MODEL.readme
    two = fresh["two"]
    assert f"{100 * two['colour']:.0f} have both colours right and {100 * two['shape']:.0f} both" in MODEL.readme


def test_the_weights_are_small() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert check_folder(FOLDER)
