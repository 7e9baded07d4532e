"""The committed weights are those that the record of their training tells of."""

from __future__ import annotations

import json

from gesso.models.flux_fill.weights import check_folder
from gesso.models.shapes_fill.weights import FOLDER
from training.shapes_fill import record

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


def test_the_weights_are_small() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES
    assert check_folder(FOLDER)
