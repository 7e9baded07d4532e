"""What an operator may fix for the Engine of FLUX Fill in the settings, as declared Parameters."""

from __future__ import annotations

from gesso.domain.parameter import Kind, Option, Parameter
from gesso.models.flux_fill.memory import AUTO, Placement, Precision


def _choice(identifier: str, label: str, explanation: str, *values: str) -> Parameter:
    return Parameter(identifier, Kind.SELECT, label, explanation, default=AUTO, options=tuple(Option(value) for value in (AUTO, *values)))


OPTIONS = (
    _choice(
        "precision",
        "Precision",
        "Of the transformer's weights. auto takes the best that fits. int8 needs the package torchao, int4 needs bitsandbytes.",
        *Precision,
    ),
    _choice(
        "placement",
        "Placement",
        "whole: all on the device. aside: text encoders in main memory. streamed: the transformer too. auto takes the quickest that fits.",
        *Placement,
    ),
    _choice(
        "attention",
        "Attention",
        "The attention kernel of diffusers. auto tries those that are installed once and takes the quickest right one in all workers.",
        *("native", "_native_cudnn", "_flash_3", "flash", "_flash_3_hub", "flash_hub"),
    ),
    _choice(
        "compile",
        "Compile",
        "Whether the blocks of the transformer are compiled: auto does it on a GPU, late, not for exact tasks; on for all tasks.",
        *("on", "off"),
    ),
    Parameter(
        "batch",
        Kind.INTEGER,
        "Batch",
        "How many pictures of waiting tasks with speed=balanced or turbo are drawn together at most. 0: on a GPU as many as have the "
        "pixels of one at 1024 x 1024, on a CPU one.",
        default=0,
        minimum=0,
        maximum=16,
        step=1,
    ),
    Parameter(
        "balanced_threshold",
        Kind.NUMBER,
        "Threshold of balanced",
        "A step is skipped when the first block changed by less than this share. Not calibrated on the real weights.",
        default=0.08,
        minimum=0,
        maximum=1,
    ),
    Parameter(
        "turbo_threshold",
        Kind.NUMBER,
        "Threshold of turbo",
        "The same for turbo. Not calibrated on the real weights.",
        default=0.15,
        minimum=0,
        maximum=1,
    ),
)
