"""Fill a hole with patches of its surroundings that agree with each other: texture stays texture.

From coarse to fine, two steps alternate: every patch that touches the hole looks for its most similar patch among known pixels, and every
pixel of the hole becomes the average of what the patches over it propose. The search compares patches by their principal components,
exhaustively while that is cheap, by propagation and random trial above (PatchMatch).
Sources: Wexler, Shechtman, Irani, Space-Time Completion of Video (2007); Barnes et al., PatchMatch (2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

_R = 3
_SIDE = 2 * _R + 1
_COMPONENTS = 24
# The coarsest level is the one where no pixel of the hole is farther than this from known ones.
_DEPTH = 2.5
# Pairs of patches compared exhaustively, which takes about a second per billion; above, PatchMatch.
_PAIRS = 40_000_000
# Levels whose hole is larger take over the places found on the level below: a search there would take minutes.
_SEARCHED = 40_000
_ROUNDS_COARSE, _ROUNDS_FINE = 10, 3
# Each pixel of distance from the rim makes a patch count this much less: what is near the rim is better known.
_TRUST = 1.3
_ROUGH_REACH, _ROUGH_WEIGHT = 9, 4.0
# How much more the last vote favours the best patches: means of many are smooth.
_SHARP = 8.0


@dataclass(slots=True)
class _Level:
    """One size of the picture, with a border of `_R` pixels all around, so that every patch is complete. Flat indices count in it.

    `image`: [height, width, channels] float32, values 0 to 255. `inside`: flat indices of the pixels to fill. `centres`: flat indices of
    the patches that touch them. `allowed`: [height * width] bool, centres of patches that hold source pixels only. `trust`: as `centres`.
    """

    image: np.ndarray
    inside: np.ndarray
    centres: np.ndarray
    allowed: np.ndarray
    trust: np.ndarray

    @property
    def stride(self) -> int:
        return self.image.shape[1]


def fill_by_patches(colour: np.ndarray, inside: np.ndarray, source: np.ndarray, check: Callable[[], None]) -> np.ndarray:
    """Fill `inside` with copies from `source`. Shapes, types and `check`: as in `gesso.models.heal.methods`.

    Deterministic: chance is seeded. Where no complete patch of source pixels exists, the hole is only diffused.
    """
    chance = np.random.default_rng(0)
    scale = 255 / np.iinfo(colour.dtype).max
    image = colour.astype(np.float32) * scale
    sizes = _pyramid(np.dstack([image, _roughness(image, inside)]), inside, source, check)
    level, places = None, None
    for number, (image, hole, usable) in enumerate(reversed(sizes)):
        finer = _level(image, hole, usable)
        if not finer.allowed.any():
            _start(finer, hole)
            level, places = finer, None
            continue
        if level is None or places is None:
            _start(finer, hole)
            places = chance.choice(np.flatnonzero(finer.allowed), finer.centres.size)
        else:
            places = _enlarged(level, places, finer, chance)
            finer.image.reshape(-1, image.shape[2])[finer.inside] = 0
            _vote(finer, places, np.zeros(places.size, np.float32), check, apart=1 if hole.sum() <= _SEARCHED else _R)
        level = finer
        if hole.sum() <= _SEARCHED:
            rounds = max(_ROUNDS_FINE, _ROUNDS_COARSE - 2 * number)
            places = _improve(level, places, rounds, chance, check)
        check()
    assert level is not None
    filled = level.image[_R:-_R, _R:-_R, : colour.shape[2]] / scale
    return np.clip(np.rint(filled), 0, np.iinfo(colour.dtype).max).astype(colour.dtype)


def _roughness(image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """[height, width, 2]: how much brightness changes around each known pixel, along rows and along columns.

    It rides along as two more channels, so that grass asks for grass: by colour alone the mean of many blades looks like something flat.
    Source: Newson et al., Video Inpainting of Complex Scenes (2014).
    """
    grey = image.mean(axis=2)
    known = cv2.erode((~inside).astype(np.float32), np.ones((3, 3)))
    reach = (_ROUGH_REACH, _ROUGH_REACH)
    weight = np.maximum(cv2.blur(known, reach), 1e-3)
    changes = (np.abs(cv2.Sobel(grey, cv2.CV_32F, *axes, scale=0.25)) * known for axes in ((1, 0), (0, 1)))
    return np.dstack([_ROUGH_WEIGHT * cv2.blur(change, reach) / weight for change in changes])


def _pyramid(
    image: np.ndarray, inside: np.ndarray, source: np.ndarray, check: Callable[[], None]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(image, inside, source) at full size, half, quarter ..., until the hole is shallow. Unknown pixels do not bleed into known ones."""
    sizes = [(image, inside, source)]
    while cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3).max() > _DEPTH and min(inside.shape) >= 4 * _SIDE:
        check()
        odd = inside.shape[0] % 2, inside.shape[1] % 2
        image, known, usable = (
            cv2.copyMakeBorder(array.astype(np.float32), 0, odd[0], 0, odd[1], cv2.BORDER_REPLICATE) for array in (image, ~inside, source)
        )
        size = known.shape[1] // 2, known.shape[0] // 2
        weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)[..., None]
        sums = np.atleast_3d(cv2.resize(np.atleast_3d(image) * known[..., None], size, interpolation=cv2.INTER_AREA))
        image = sums / np.maximum(weight, 0.25)
        inside = weight[..., 0] < 0.5
        source = (cv2.resize(usable, size, interpolation=cv2.INTER_AREA) >= 0.5) & ~inside
        sizes.append((image, inside, source))
    return sizes


def _level(image: np.ndarray, inside: np.ndarray, source: np.ndarray) -> _Level:
    square = np.ones((_SIDE, _SIDE), np.uint8)
    touched = cv2.dilate(inside.astype(np.uint8), square).astype(bool)
    allowed = cv2.erode(source.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=(0,)).astype(bool)
    depth = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    bordered = np.pad(image, ((_R, _R), (_R, _R), (0, 0)), mode="edge")
    inside, touched, allowed = (np.pad(array, _R) for array in (inside, touched, allowed))
    centres = np.flatnonzero(touched)
    # Whole pixels, because OpenCV's distances differ in their last bit from call to call, and equal inputs must give equal pictures.
    trust = _TRUST ** -np.rint(np.pad(depth, _R).ravel()[centres])
    return _Level(bordered, np.flatnonzero(inside), centres, allowed.ravel(), trust.astype(np.float32))


def _start(level: _Level, hole: np.ndarray) -> None:
    """A first guess: colours carried inwards from the rim. Enlarged meanwhile, because OpenCV's method errs by about one, absolutely."""
    mask = np.pad(hole, _R).astype(np.uint8)
    level.image = np.dstack([cv2.inpaint(channel * 256, mask, 3, cv2.INPAINT_TELEA) / 256 for channel in cv2.split(level.image)])


def _enlarged(coarse: _Level, places: np.ndarray, fine: _Level, chance: np.random.Generator) -> np.ndarray:
    """The places found on a level of half the size, as places of `fine`; at random where they are not allowed there."""
    known = np.full(coarse.allowed.size, -1, np.int64)
    known[coarse.centres] = places
    row, column = np.divmod(fine.centres, fine.stride)
    row, column = row - _R, column - _R
    found = known[(row // 2 + _R) * coarse.stride + column // 2 + _R]
    found_row, found_column = np.divmod(found, coarse.stride)
    result = (2 * (found_row - _R) + row % 2 + _R) * fine.stride + 2 * (found_column - _R) + column % 2 + _R
    lost = (found < 0) | (result < 0) | (result >= fine.allowed.size)
    lost |= ~fine.allowed[np.where(lost, 0, result)]
    result[lost] = chance.choice(np.flatnonzero(fine.allowed), int(lost.sum()))
    return result


def _improve(level: _Level, places: np.ndarray, rounds: int, chance: np.random.Generator, check: Callable[[], None]) -> np.ndarray:
    """Alternate search and vote; changes the inside of `level.image`, returns the places found."""
    sources = np.flatnonzero(level.allowed)
    patches = _patches(level.image)
    basis = _principal(patches, sources, chance)
    features = np.zeros((level.allowed.size, basis.shape[1]), np.float32)
    for some in np.array_split(sources, max(1, sources.size // 20_000)):
        check()
        features[some] = _flat(patches, some) @ basis
    exhaustive = sources.size * level.centres.size <= _PAIRS
    for number in range(rounds):
        check()
        wanted, before = _flat(patches, level.centres) @ basis, places
        if exhaustive:
            places, distances = _nearest(wanted, features, sources)
        else:
            places, distances = _search(level, wanted, features, places, chance, check)
        if number == rounds - 1 or np.array_equal(places, before):
            _vote(level, places, distances, check, sharp=_SHARP)
            break
        _vote(level, places, distances, check)
    return places


def _patches(image: np.ndarray) -> np.ndarray:
    """A view of all patches: [height - 2R, width - 2R, channels, side, side]."""
    return np.lib.stride_tricks.sliding_window_view(image, (_SIDE, _SIDE), axis=(0, 1))


def _flat(patches: np.ndarray, centres: np.ndarray) -> np.ndarray:
    row, column = np.divmod(centres, patches.shape[1] + 2 * _R)
    return patches[row - _R, column - _R].reshape(centres.size, -1)


def _principal(patches: np.ndarray, sources: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """[patch values, components]: the directions in which known patches differ most."""
    sample = _flat(patches, chance.choice(sources, min(2000, sources.size), replace=False))
    if sample.shape[0] < 2:
        # A lone patch differs from none, and its covariance would be no number.
        return np.eye(sample.shape[1], _COMPONENTS, dtype=np.float32)
    _, directions = np.linalg.eigh(np.cov(sample, rowvar=False))
    return directions[:, ::-1][:, :_COMPONENTS].astype(np.float32)


def _nearest(wanted: np.ndarray, features: np.ndarray, sources: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The most similar source of each patch, by comparing all; and the squared distances."""
    candidates = features[sources]
    squares = (candidates**2).sum(axis=1)
    best = np.concatenate(
        [(squares - 2 * (some @ candidates.T)).argmin(axis=1) for some in np.array_split(wanted, max(1, wanted.shape[0] // 256))]
    )
    return sources[best], ((wanted - candidates[best]) ** 2).sum(axis=1)


def _search(
    level: _Level, wanted: np.ndarray, features: np.ndarray, places: np.ndarray, chance: np.random.Generator, check: Callable[[], None]
) -> tuple[np.ndarray, np.ndarray]:
    """One sweep of PatchMatch: try what neighbours at falling distances found, then chance around the best so far."""
    places = places.copy()
    distances = ((wanted - features[places]) ** 2).sum(axis=1)
    last = level.allowed.size - 1

    def attempt(candidates: np.ndarray) -> None:
        legal = np.flatnonzero(level.allowed[np.clip(candidates, 0, last)])
        found = candidates[legal]
        distance = ((wanted[legal] - features[np.clip(found, 0, last)]) ** 2).sum(axis=1)
        better = distance < distances[legal]
        places[legal[better]], distances[legal[better]] = found[better], distance[better]

    everywhere = np.full(level.allowed.size, -(10**9), np.int64)
    for jump in (8, 4, 2, 1, 1):
        check()
        for step in (-jump, jump, -jump * level.stride, jump * level.stride):
            everywhere[level.centres] = places
            attempt(everywhere[np.clip(level.centres - step, 0, last)] + step)
    radius = max(level.image.shape[:2])
    while radius >= 1:
        rows, columns = chance.integers(-radius, radius, (2, places.size), endpoint=True)
        attempt(places + rows * level.stride + columns)
        radius //= 2
    return places, distances


def _vote(
    level: _Level, places: np.ndarray, distances: np.ndarray, check: Callable[[], None], *, sharp: float = 1.0, apart: int = 1
) -> None:
    """Every pixel of the hole becomes the weighted mean of what the patches over it have found there.

    `sharp`: how much similar patches are favoured. `apart`: only patches so many pixels from each other vote, to save time.
    """
    spread = max(float(np.percentile(distances, 75)), 1.0)
    pixels = level.image.reshape(-1, level.image.shape[2])
    weight = np.zeros(level.allowed.size, np.float32)
    weight[level.centres] = level.trust * np.exp(-sharp * distances / (2 * spread)) + 1e-12
    place = np.full(level.allowed.size, level.allowed.size // 2)
    place[level.centres] = places
    sums = np.zeros((level.inside.size, pixels.shape[1]), np.float32)
    total = np.zeros((level.inside.size, 1), np.float32)
    for row in range(-_R, _R + 1, apart):
        check()
        for column in range(-_R, _R + 1, apart):
            step = row * level.stride + column
            centre = level.inside - step
            share = weight[centre][:, None]
            sums += share * pixels[np.clip(place[centre] + step, 0, level.allowed.size - 1)]
            total += share
    pixels[level.inside] = sums / total
