"""Ask gesso/shapes-fill all two hundred questions: does what was asked for stand in the picture? Prints a Markdown table.

The questions, and the judge that answers them by colours and outlines, are those of training/shapes_fill.

    python bench/shapes.py [--weights DIR] [--count N] [--seed N] [--gallery PNG]

Without a seed they are those by which the training was watched; with one they are others. PNG: the first pictures, each under what the
model was shown.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from gesso.models.shapes_fill.engine import load
from gesso.models.shapes_fill.weights import FOLDER
from training.shapes_fill.scoring import Verdict, asked_freshly, cases, shares, verdicts

COLUMNS, ROWS, ENLARGED = 10, 4, 2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--weights", type=Path, default=FOLDER)
    arguments.add_argument("--count", type=int, default=200)
    arguments.add_argument("--seed", type=int)
    arguments.add_argument("--gallery", type=Path)
    asked = arguments.parse_args()
    began = time.monotonic()
    pipeline = load(asked.weights, "cpu")
    judged = verdicts(pipeline, cases(asked.count)) if asked.seed is None else asked_freshly(pipeline, asked.seed, asked.count)
    print("| asked for | cases | colour right | shape right |\n| --- | ---: | ---: | ---: |")
    for group, share in shares(judged).items():
        print(f"| {group} | {share['cases']} | {share['colour']:.1%} | {share['shape']:.1%} |")
    print(f"\n{asked.count} pictures in {time.monotonic() - began:.0f} s.")
    for each in judged:
        if not (each.colour_right and each.shape_right):
            print(f"{each.case.prompt}: found {', '.join(f'{thing.colour} {thing.shape}' for thing in each.found) or 'nothing'}")
    if asked.gallery:
        gallery(judged[: COLUMNS * ROWS]).save(asked.gallery)


def gallery(judged: list[Verdict]) -> Image.Image:
    """Pairs of what the model was shown, the mask in grey, and what it made of it."""
    pairs = [np.vstack((np.where(each.case.scene.mask[..., None], 127, each.case.scene.before), each.picture)) for each in judged]
    rows = [np.hstack(pairs[start : start + COLUMNS]) for start in range(0, len(pairs) - COLUMNS + 1, COLUMNS)]
    sheet = Image.fromarray(np.vstack(rows).astype(np.uint8))
    return sheet.resize((sheet.width * ENLARGED, sheet.height * ENLARGED), Image.Resampling.NEAREST)


if __name__ == "__main__":
    main()
