"""The declaration of gesso/shapes-fill."""

from __future__ import annotations

from gesso.domain.model import Group, Model, Needs
from gesso.domain.parameter import Kind, Parameter, Role
from gesso.models.shapes_fill.weights import readiness

_README = """\
Draws coloured shapes into the part of a picture that you mark: "a red circle", "a yellow star and a blue square". It is FLUX.1 Fill in
miniature: the same transformer, the same kinds of text encoders, the same pipeline of diffusers, with two and a half million parameters in
place of twelve thousand million. It was taught in about an hour on two CPU cores by a script that is part of gesso, its weights come with
the package, and a picture takes a second or three on a CPU. It is there to try things out: clients, masks, progress, seeds, killing.

## What it knows

- Colours: red, orange, yellow, green, cyan, blue, purple, pink.
- Shapes: circle, square, triangle, star, cross.
- Sentences: one thing, "a red circle"; two things, "a red circle and a blue square", the first to the left of the second or above it;
  "nothing", or no prompt, which continues the background.

It has no other words: those that you use are left aside, and the task's log names them. Of a sentence that it was not taught, three things
or a colour alone, it makes what it can, and that is told too.

Of a hundred pictures of one thing, 99 have the right colour and shape. Of a hundred of two things, 96 have both colours right and 82 both
shapes; it is 77 where one of the two is a pair of colour and shape that it was never shown, an orange star for instance.

## What you send

- **Picture**: any picture. It was taught on plain and patterned backgrounds, and does best on them.
- **Mask**: a picture of the same size, white where something is to be drawn. A thing is drawn as large as the mask allows, and each of two
  as large as its half. Mark a square for one thing, and an oblong twice as long for two.

What FLUX.1 Fill takes beside this (`scale`, `width`, `height`, `speed`, `lora`, sides to extend) is no parameter here: if you send it all
the same, it stays with the task as you sent it, and has no effect.

## What you get

One PNG for each sample, in the size of your picture. **Not a pixel outside the mask changes.** The same inputs and the same seed give the
same picture, and sample *k* (counted from 0) is the picture that `seed + k` gives alone. The model draws 64 x 64 pixels, which are the mask
and what surrounds it; on a large mask they are enlarged, and look it.
"""

_INPUTS = Group(
    "Inputs",
    (
        Parameter("inputImage", Kind.FILE, "Picture", "The picture to draw into.", required=True, role=Role.PICTURE, accepts=("image/",)),
        Parameter(
            "inputImageMask",
            Kind.FILE,
            "Mask",
            "A picture of the same size: what is white is repainted, what is black is kept.",
            required=True,
            role=Role.MASK,
            accepts=("image/",),
        ),
        Parameter(
            "prompt",
            Kind.TEXTAREA,
            "Prompt",
            "One or two coloured shapes. Without a prompt the background is continued.",
            # An empty text is taken for one that was not sent, so no other default would let anybody ask for the background.
            default="",
            placeholder="a red circle",
        ),
    ),
)
_DRAWING = Group(
    "Drawing",
    (
        Parameter("steps", Kind.INTEGER, "Steps", "More steps draw finer and take longer.", default=20, minimum=1, maximum=500, step=1),
        Parameter(
            "samples",
            Kind.INTEGER,
            "Samples",
            "How many pictures to draw, with one seed after the other.",
            default=1,
            minimum=1,
            maximum=8,
            step=1,
        ),
        Parameter("seed", Kind.SEED, "Seed", "The same seed and inputs give the same picture.", default=2415100471),
        Parameter(
            "preview",
            Kind.CHECKBOX,
            "Preview",
            "Show what the model is about to paint while it draws. The result is the same.",
            default=False,
            advanced=True,
        ),
    ),
)


def _pixels(identifier: str, label: str, explanation: str, default: int) -> Parameter:
    return Parameter(identifier, Kind.INTEGER, label, explanation, default=default, minimum=0, maximum=256, step=1, advanced=True)


_EDGES = Group(
    "Edges",
    (
        _pixels("feather", "Feather", "Blend the edge of the mask over so many pixels, inwards: nothing outside it changes.", 2),
        _pixels("grow", "Grow", "Repaint so many pixels beyond the mask as well.", 0),
    ),
)

MODEL = Model(
    owner="gesso",
    slug="shapes-fill",
    title="Shapes Fill",
    description="Draws coloured shapes into the masked part of a picture from a text: FLUX.1 Fill in miniature, on a CPU.",
    engine="gesso.models.shapes_fill.engine:ShapesFillEngine",
    groups=(_INPUTS, _DRAWING, _EDGES),
    categories=("tool", "image-to-image", "image-editing", "inpainting", "fast-inference"),
    tags=("inpainting", "text", "cpu"),
    # torch and diffusers themselves, and a picture of 100 megapixels.
    needs=Needs(device="cpu", memory_bytes=2 * 2**30, threads=1),
    readme=_README,
    licence="Apache-2.0",
    inspires=({"prompt": "a red circle"}, {"prompt": "a yellow star and a blue square"}),
    readiness=readiness,
)
