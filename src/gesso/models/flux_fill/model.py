"""The declaration of FLUX.1 Fill [dev]: what it takes, what it needs, how it is described. The server reads it, so nothing heavy here."""

from __future__ import annotations

from decimal import Decimal

from gesso.domain.file import SAFETENSORS
from gesso.domain.model import Group, Model, Needs
from gesso.domain.parameter import Kind, Option, Parameter, Role
from gesso.domain.price import Price
from gesso.models.flux_fill.options import OPTIONS
from gesso.models.flux_fill.weights import outlook, readiness

_README = """\
FLUX.1 Fill [dev] repaints the part of a picture that you mark, guided by a sentence, and continues what surrounds it: light, texture,
perspective. It has 12 billion parameters and was made by Black Forest Labs. Here it runs through the pipeline of diffusers.

## What you send

- **Picture**: the photograph or drawing to change. PNG, JPEG, WebP, TIFF and others, up to 100 megapixels; the EXIF rotation is applied.
- **Mask**: a picture of the same size. What is at least half white is repainted, the rest is kept. Strokes of one colour painted on a
  transparent sheet count as white.
- **Prompt**: what the marked part should show. Describe the result ("a wooden bench under the tree"), not the change ("add a bench").
  Without a prompt the model continues the surroundings as it sees fit.

## What you get

One PNG for each sample, in the size of your picture. **Not a pixel outside the mask changes**, and 16-bit depth, transparency and the
colour profile survive. What was painted becomes opaque. The same inputs and the same seed give the same picture, and sample *k* (counted
from 0) is the picture that `seed + k` gives alone.

## Hints

- A `scale` of about 30 is what this model was trained for. What suits other FLUX models, 3.5 for instance, gives grainy, pale pictures.
- `speed` trades exactness for time: balanced and turbo skip steps that change little. How much that may show was not measured on the real
  weights; exact is the default.
- 25 steps are usually enough; 50 show finer detail at twice the time.
- The model works at about one megapixel, and with `crop` it spends all of it on the mask and its surroundings. So a small mask on a large
  photograph comes out sharp.
- To remove something, paint over it generously, its shadow included: the edge of the mask is blended over a few pixels inwards (`feather`),
  where traces of the old content could shine through. `grow` lets the model paint beyond the mask, and only then do pixels there change.
- Several holes far apart are filled one by one, each as sharp as if it were alone, when that is less work than all together.
- `preview` shows what is about to be painted while it is drawn. `lora` takes a safetensors file that teaches the model a style or an
  object; those made for FLUX.1 [dev] usually work.
- To show more than the picture has, extend its sides; the mask may then be black. Extend by less than half the side at a time.

## Licence

The weights come under the FLUX.1 [dev] Non-Commercial License and must be obtained under it. Read it before you use the results.
"""

_INPUTS = Group(
    "Inputs",
    (
        Parameter("inputImage", Kind.FILE, "Picture", "The picture to change.", required=True, role=Role.PICTURE, accepts=("image/",)),
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
            "What the white part of the mask should show. It may be empty: then the surroundings are continued.",
            default="",
            placeholder="a wooden bench under the tree",
        ),
    ),
)
_DRAWING = Group(
    "Drawing",
    (
        Parameter("steps", Kind.INTEGER, "Steps", "More steps draw finer and take longer.", default=25, minimum=1, maximum=500, step=1),
        Parameter(
            "scale",
            Kind.NUMBER,
            "Guidance scale",
            "How closely to follow the prompt. FLUX Fill wants about 30; below 15 pictures turn grainy and pale. 0 means 30.",
            default=30,
            minimum=0,
            maximum=100,
            step=0.5,
        ),
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
        Parameter(
            "speed",
            Kind.SELECT,
            "Speed",
            "Exact computes every step. Balanced and turbo skip work in steps that change little: quicker, with another picture.",
            default="exact",
            options=(Option("exact", "Exact"), Option("balanced", "Balanced"), Option("turbo", "Turbo")),
            advanced=True,
        ),
        Parameter("seed", Kind.SEED, "Seed", "The same seed and inputs give the same picture.", default=2415100471),
        Parameter(
            "width",
            Kind.INTEGER,
            "Width",
            "Resize the picture to this width before anything else. 0 keeps its width, or its shape if a height is given.",
            default=0,
            minimum=0,
            maximum=2048,
            step=1,
        ),
        Parameter(
            "height",
            Kind.INTEGER,
            "Height",
            "Resize the picture to this height before anything else. 0 keeps its height, or its shape if a width is given.",
            default=0,
            minimum=0,
            maximum=2048,
            step=1,
        ),
        Parameter(
            "preview",
            Kind.CHECKBOX,
            "Preview",
            "Show what the model is about to paint, about twice a second while it draws. The result is the same.",
            default=False,
            advanced=True,
        ),
    ),
)


def _pixels(identifier: str, label: str, explanation: str, default: int, most: int) -> Parameter:
    return Parameter(identifier, Kind.INTEGER, label, explanation, default=default, minimum=0, maximum=most, step=1, advanced=True)


_LORA = Group(
    "LoRA",
    (
        Parameter(
            "lora",
            Kind.FILE,
            "LoRA",
            "A safetensors file that teaches the model something, a style or an object. Those made for FLUX.1 [dev] usually work too.",
            accepts=(SAFETENSORS,),
            advanced=True,
        ),
        Parameter(
            "loraScale",
            Kind.NUMBER,
            "LoRA strength",
            "How much of the LoRA is added; 1 is as it was trained.",
            default=1.0,
            minimum=0.01,
            maximum=4,
            step=0.05,
            advanced=True,
        ),
    ),
)
_EDGES = Group(
    "Edges",
    (
        _pixels("feather", "Feather", "Blend the edge of the mask over so many pixels, inwards: nothing outside it changes.", 4, 256),
        _pixels("grow", "Grow", "Repaint so many pixels beyond the mask as well.", 0, 256),
        Parameter(
            "crop",
            Kind.SELECT,
            "Crop",
            "Auto shows the model the mask and its surroundings as large as it can see them. Off shows it the whole picture.",
            default="auto",
            options=(Option("auto", "Auto"), Option("off", "Off")),
            advanced=True,
        ),
        _pixels("extendLeft", "Extend left", "Add and fill so many pixels on the left side.", 0, 2048),
        _pixels("extendTop", "Extend top", "Add and fill so many pixels on the upper side.", 0, 2048),
        _pixels("extendRight", "Extend right", "Add and fill so many pixels on the right side.", 0, 2048),
        _pixels("extendBottom", "Extend bottom", "Add and fill so many pixels on the lower side.", 0, 2048),
    ),
)

MODEL = Model(
    owner="black-forest-labs",
    slug="FLUX.1-Fill-dev",
    title="FLUX.1 Fill [dev]",
    description="Repaints the masked part of a picture from a text and leaves every other pixel as it is.",
    engine="gesso.models.flux_fill.engine:FluxFillEngine",
    groups=(_INPUTS, _DRAWING, _LORA, _EDGES),
    categories=("tool", "image-to-image", "image-editing", "inpainting"),
    price=Price(per_second=Decimal("0.000585")),
    # With everything in bfloat16 on one device. With less, a plan is made of what there is.
    needs=Needs(device="gpu", memory_bytes=36 * 2**30),
    readme=_README,
    licence="FLUX.1 [dev] Non-Commercial License",
    readiness=readiness,
    options=OPTIONS,
    outlook=outlook,
)
