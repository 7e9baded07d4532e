"""The declaration of gesso/heal."""

from __future__ import annotations

from gesso.domain.model import Group, Model, Needs
from gesso.domain.parameter import Kind, Option, Parameter, Role

_README = """\
Removes things from a photograph: scratches, dust, wires, date stamps, writing, small objects. The white part of the mask is filled from
what surrounds it. There is no neural network and no download; it runs on one CPU core.

**What it promises**

- No pixel outside the mask changes: the output is a PNG of the input's size, with its alpha, its 16 bits and its colour profile.
- What is fully transparent stays so, and a warning says it of a hole that lies there.
- The same inputs give the same picture.
- EXIF rotation is applied to the pixels. Other metadata (camera, place, date) is left out.

**What it can do.** Thin damage is filled so that it is hard to find. Holes in grass, gravel, walls, sky and other texture are filled with
that texture, up to the size of a few hundred pixels.

**What it cannot do.** It does not know what things are and invents nothing: half a face stays half a face, and an edge, a window or a
line of text that runs through a large hole is continued by luck. There is no prompt. For that, use a generative model.

**The mask.** A picture of the same size as the input, white = repaint, from 50 % of white upwards; soft edges are cut there. Where it is
transparent it counts as black. If all that is painted has one colour on a transparent ground, the paint is the mask, whatever its colour.
Paint a pixel or two over the edge of what is to go: what is left of its rim is copied into the hole.

**Methods.** `auto` takes `frequency` for scratches and specks up to about 10 pixels wide, and `patch` for everything wider.

| method | how | good for |
|---|---|---|
| `frequency` | continues the waves of the surroundings; works in 8 bits | scratches, writing, dust |
| `patch` | copies small pieces that fit together, from coarse to fine | texture, larger holes |
| `telea` | carries colours inwards from the rim | the fastest, smooth |
| `navier-stokes` | continues lines of equal brightness inwards | the same, a little better on hairlines |

A picture with 16 bits per channel is never left to `frequency` by `auto`. A hole of more than 5 thousand pixels (`frequency`), 150 thousand
(`telea`, `navier-stokes`) or a million (`patch`) is filled at a smaller size and enlarged, and is softer for it.

JPEG, PNG, WebP, TIFF, AVIF, GIF and BMP are read, up to 100 megapixels; of an animation, the first frame. AVIF is read at 8 bits.
"""

MODEL = Model(
    owner="gesso",
    slug="heal",
    title="Heal",
    description="Removes scratches, writing and small objects from a photograph by filling them from their surroundings, on a CPU.",
    engine="gesso.models.heal.engine:HealEngine",
    categories=("tool", "image-editing", "inpainting", "fast-inference"),
    tags=("inpainting", "retouching", "photo", "cpu"),
    # A picture of 100 megapixels at 8 bits, its copy, its mask and its PNG.
    needs=Needs(device="cpu", memory_bytes=1536 * 2**20, threads=1),
    licence="Apache-2.0",
    readme=_README,
    groups=(
        Group(
            "Picture",
            (
                Parameter(
                    "inputImage",
                    Kind.FILE,
                    label="Photograph",
                    help="The photograph to heal. Nothing outside the mask changes.",
                    required=True,
                    role=Role.PICTURE,
                    accepts=("image/",),
                ),
                Parameter(
                    "inputImageMask",
                    Kind.FILE,
                    label="Mask",
                    help="A picture of the same size: white = repaint, black = keep.",
                    required=True,
                    role=Role.MASK,
                    accepts=("image/",),
                ),
            ),
        ),
        Group(
            "Fill",
            (
                Parameter(
                    "method",
                    Kind.SELECT,
                    label="Method",
                    help="How to fill. Automatic chooses for each hole by its width.",
                    default="auto",
                    options=(
                        Option("auto", "Automatic"),
                        Option("telea", "Telea: fastest, smooth"),
                        Option("navier-stokes", "Navier-Stokes: hairlines, smooth"),
                        Option("frequency", "Frequency: scratches, writing, dust"),
                        Option("patch", "Patch: textures and larger holes"),
                    ),
                    advanced=True,
                ),
            ),
        ),
    ),
)
