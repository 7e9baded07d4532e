"""Compare the ways of gesso/heal to fill a hole: quality inside the hole and time, on photographs that come with scikit-image.

Prints a Markdown table of medians per kind of hole and method; `docs/decisions/0005-heal-methods.md` keeps one. One core, no download:

    python bench/heal.py [--pictures DIR]     DIR: write truth, hole and all results side by side, to be looked at
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from skimage import data
from skimage.metrics import structural_similarity

from gesso.models.heal.holes import find_holes
from gesso.models.heal.methods import FILLS, choose

PHOTOGRAPHS = ("astronaut", "brick", "camera", "cat", "coffee", "coins", "grass", "gravel", "rocket")
DISCS = (8, 16, 32, 64, 128)
SCRATCHES = (2, 4, 8)


def masks(height: int, width: int, chance: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """(kind, [height, width] uint8 mask) at places that leave a hole's surroundings in the picture."""
    for diameter in DISCS:
        mask = np.zeros((height, width), np.uint8)
        centre = chance.integers(diameter, (width - diameter, height - diameter))
        cv2.circle(mask, (int(centre[0]), int(centre[1])), diameter // 2, 1, -1)
        yield f"disc {diameter} px", mask
    for thick in SCRATCHES:
        mask = np.zeros((height, width), np.uint8)
        ends = chance.integers(20, (width - 20, height - 20), (2, 2))
        cv2.line(mask, [int(value) for value in ends[0]], [int(value) for value in ends[1]], 1, thick)
        yield f"scratch {thick} px", mask
    mask = np.zeros((height, width), np.uint8)
    cv2.putText(mask, "Heal 2025", (30, height // 2), cv2.FONT_HERSHEY_SIMPLEX, 1.6, 1, 5)
    yield "text, strokes 5 px", mask


def fill(photograph: np.ndarray, white: np.ndarray, method: str) -> np.ndarray:
    """As the Engine does it: every hole in its own crop."""
    result = photograph.copy()
    for hole in find_holes(white):
        place = hole.rows, hole.columns
        crop = np.ascontiguousarray(result[place])
        name = choose(crop, hole.inside) if method == "auto" else method
        result[place][hole.inside] = FILLS[name](crop, hole.inside, ~white[place], lambda: None)[hole.inside]
    return result


def quality(truth: np.ndarray, result: np.ndarray, white: np.ndarray) -> tuple[float, float, float]:
    """(PSNR, SSIM, detail) inside the hole. Detail: energy of the Laplacian against that of the truth; 1 is as sharp as the photograph."""
    psnr = cv2.PSNR(truth[white], result[white])
    _, similar = structural_similarity(truth, result, channel_axis=2, full=True)
    edges = [np.abs(cv2.Laplacian(picture.astype(np.float32).mean(axis=2), cv2.CV_32F))[white].mean() for picture in (truth, result)]
    return psnr, float(similar[white].mean()), float(edges[1] / max(edges[0], 1e-6))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path)
    folder: Path | None = parser.parse_args().pictures
    cv2.setNumThreads(1)
    chance = np.random.default_rng(7)
    figures: dict[tuple[str, str], list[tuple[float, ...]]] = defaultdict(list)
    for name in PHOTOGRAPHS:
        photograph = np.atleast_3d(getattr(data, name)())
        for kind, mask in masks(*photograph.shape[:2], chance):
            white = mask > 0
            hidden = np.where(white[..., None], np.uint8(255), photograph)
            shown = [photograph, hidden]
            for method in (*FILLS, "auto"):
                start = time.perf_counter()
                result = fill(hidden, white, method)
                took_s = time.perf_counter() - start
                figures[kind, method].append((*quality(photograph, result, white), took_s))
                shown.append(result)
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(folder / f"{name}-{kind.replace(' ', '-')}.png"), np.hstack(shown)[..., ::-1])
    print("| hole | method | PSNR dB | SSIM | detail | seconds |\n|---|---|---:|---:|---:|---:|")
    for (kind, method), rows in figures.items():
        psnr, ssim, detail, took_s = (median(column) for column in zip(*rows, strict=True))
        print(f"| {kind} | {method} | {psnr:.1f} | {ssim:.3f} | {detail:.2f} | {took_s:.3f} |")


if __name__ == "__main__":
    main()
