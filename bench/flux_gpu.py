"""What FLUX Fill costs on a GPU at its real size, with random weights, against a plain diffusers call: `python bench/flux_gpu.py`.

Time and memory do not depend on what the weights say, so nothing is downloaded; the pictures are noise. `--small` runs the same on a CPU
with a tiny pipeline, to see that this script works. One JSON line for each measurement.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from gesso.models.contract import Device
from gesso.models.flux_fill.canvas import Canvas
from gesso.models.flux_fill.framing import frame_around
from gesso.models.flux_fill.pipeline import Filler, Order
from gesso.models.flux_fill.tone import matched
from gesso.models.flux_fill.weights import load
from gesso.models.pictures import Picture, to_png

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "models" / "flux_fill"))
from tiny_pipeline import build, clip_tokenizer, t5_tokenizer

PROMPT = "a wooden bench under the tree"


class Silent:
    """An Emit that nobody listens to."""

    def progress(self, step: int, total: int) -> None: ...
    def preview(self, jpeg: bytes) -> None: ...
    def log(self, text: str) -> None: ...
    def warn(self, text: str) -> None: ...
    def check(self) -> None: ...


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tiny pipeline on the CPU")
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    pipeline = small() if arguments.small else full_size()
    native = pipeline.vae.config.sample_size
    say(parameters_billion=sum(p.numel() for p in modules_of(pipeline)) / 1e9, **memory())
    for side in (native // 2, native):
        compare_calls(pipeline, side, arguments.steps, arguments.rounds)
    fill_photograph(pipeline, arguments.steps, arguments.rounds)


def compare_calls(pipeline: Any, side: int, steps: int, rounds: int) -> None:
    """The same square through a plain call of diffusers and through Filler."""
    picture, mask = noise(side, side), Image.fromarray(np.pad(np.full((side // 2, side // 2), 255, np.uint8), side // 4))
    filler = Filler(pipeline)

    def plain() -> None:
        pipeline(
            prompt=PROMPT,
            image=picture,
            mask_image=mask,
            width=side,
            height=side,
            num_inference_steps=steps,
            generator=torch.Generator("cpu").manual_seed(0),
        )

    def ours() -> None:
        list(filler.fill(picture, mask, Order(PROMPT, steps, 30.0, 0, 1), Silent()))

    for name, call in (("diffusers", plain), ("gesso", ours)):
        seconds = measure(call, rounds)
        say(what=name, side=side, steps=steps, seconds=seconds, seconds_per_step=[second / steps for second in seconds], **memory())


def fill_photograph(pipeline: Any, steps: int, rounds: int) -> None:
    """A mask of 300 pixels on twelve megapixels, from decoded pixels to a PNG."""
    filler = Filler(pipeline)
    mask = np.zeros((3000, 4000), bool)
    mask[1000:1300, 2000:2300] = True
    canvas = Canvas.of(Picture(np.asarray(noise(4000, 3000))), mask)

    def fill() -> None:
        frame = frame_around(canvas.mask, filler.grid, crop=True)
        picture, shown = canvas.view(frame)
        for answer in filler.fill(picture, shown, Order(PROMPT, steps, 30.0, 0, 1), Silent()):
            toned = matched(answer, np.asarray(picture, np.float32) / 255, np.asarray(shown) > 0)
            to_png(canvas.paste(toned, frame, feather=4))

    say(what="photograph", megapixels=12, steps=steps, seconds=measure(fill, rounds), **memory())


def measure(call: Callable[[], None], rounds: int) -> list[float]:
    """Seconds of each round, after one that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return seconds[1:]


def full_size() -> Any:
    """The real shapes on the first GPU. Source: the configuration files of FLUX.1 [dev]; only the vocabularies are small."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxFillPipeline, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    clip_words, t5_words = clip_tokenizer(), t5_tokenizer()
    clip = CLIPTextConfig(
        vocab_size=len(clip_words),
        hidden_size=768,
        intermediate_size=3072,
        projection_dim=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        bos_token_id=clip_words.bos_token_id,
        eos_token_id=clip_words.eos_token_id,
    )
    t5 = T5Config(vocab_size=len(t5_words), d_model=4096, d_kv=64, d_ff=10240, num_layers=24, num_heads=64, feed_forward_proj="gated-gelu")
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda:0"):
        vae = AutoencoderKL(
            sample_size=1024,
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            block_out_channels=(128, 256, 512, 512),
            layers_per_block=2,
            latent_channels=16,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.1159,
            scaling_factor=0.3611,
        )
        transformer = FluxTransformer2DModel(in_channels=384, out_channels=64, guidance_embeds=True)
        encoders = CLIPTextModel(clip), T5EncoderModel(t5)
    torch.set_default_dtype(usual)
    pipeline = FluxFillPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=vae,
        text_encoder=encoders[0],
        tokenizer=clip_words,
        text_encoder_2=encoders[1],
        tokenizer_2=t5_words,
        transformer=transformer,
    )
    for part in (vae, transformer, *encoders):
        part.eval().requires_grad_(False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def small() -> Any:
    with TemporaryDirectory() as folder:
        build(Path(folder))
        return load(Path(folder), Device("cpu", 2**30, torch.get_num_threads()))


def modules_of(pipeline: Any) -> list[torch.Tensor]:
    return [p for part in pipeline.components.values() if isinstance(part, torch.nn.Module) for p in part.parameters()]


def noise(width: int, height: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def memory() -> dict[str, float]:
    return {"peak_gib": round(torch.cuda.max_memory_allocated() / 2**30, 2)} if torch.cuda.is_available() else {}


def say(**facts: Any) -> None:
    print(json.dumps({name: [round(x, 4) for x in fact] if isinstance(fact, list) else fact for name, fact in facts.items()}), flush=True)


if __name__ == "__main__":
    main()
