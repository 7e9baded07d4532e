"""FLUX Fill pipelines of real shapes with random weights: time and memory do not depend on what weights say, so nothing is downloaded."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "models" / "flux_fill"))
from tiny_pipeline import clip_tokenizer, t5_tokenizer

_LATENT_CHANNELS, _INPUT_CHANNELS, _OUTPUT_CHANNELS = 16, 384, 64
# 71 million weights in the transformer, drawing best at 512 x 512: what two cores can be measured with.
MID = {
    "transformer": {
        "num_layers": 4,
        "num_single_layers": 8,
        "attention_head_dim": 64,
        "num_attention_heads": 8,
        "joint_attention_dim": 512,
        "pooled_projection_dim": 256,
        "axes_dims_rope": (16, 24, 24),
    },
    "vae": {"sample_size": 512, "block_out_channels": (32, 64, 128, 128), "layers_per_block": 1, "norm_num_groups": 8},
    "clip": {"hidden_size": 256, "intermediate_size": 512, "projection_dim": 256, "num_hidden_layers": 4, "num_attention_heads": 4},
    "t5": {"d_model": 512, "d_kv": 64, "d_ff": 1024, "num_layers": 4, "num_heads": 8},
}
# Source: the configuration files of FLUX.1 [dev] and Fill; only the vocabularies are small.
FULL = {
    "transformer": {},
    "vae": {"sample_size": 1024, "block_out_channels": (128, 256, 512, 512), "layers_per_block": 2},
    "clip": {"hidden_size": 768, "intermediate_size": 3072, "projection_dim": 768, "num_hidden_layers": 12, "num_attention_heads": 12},
    "t5": {"d_model": 4096, "d_kv": 64, "d_ff": 10240, "num_layers": 24, "num_heads": 64, "feed_forward_proj": "gated-gelu"},
}


def pipeline(shapes: dict[str, dict[str, Any]], device: str = "cpu", dtype: torch.dtype = torch.float32) -> Any:
    """A pipeline whose weights were drawn on the device itself, in its own dtype: at full size main memory could not hold them twice."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxFillPipeline, FluxTransformer2DModel
    from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

    clip_words, t5_words = clip_tokenizer(), t5_tokenizer()
    ends = {"bos_token_id": clip_words.bos_token_id, "eos_token_id": clip_words.eos_token_id, "pad_token_id": clip_words.pad_token_id}
    usual = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.random.fork_rng(devices=[]), torch.device(device):
            torch.manual_seed(0)
            vae = AutoencoderKL(
                down_block_types=("DownEncoderBlock2D",) * 4,
                up_block_types=("UpDecoderBlock2D",) * 4,
                latent_channels=_LATENT_CHANNELS,
                use_quant_conv=False,
                use_post_quant_conv=False,
                shift_factor=0.1159,
                scaling_factor=0.3611,
                **shapes["vae"],
            )
            transformer = FluxTransformer2DModel(
                in_channels=_INPUT_CHANNELS, out_channels=_OUTPUT_CHANNELS, guidance_embeds=True, **shapes["transformer"]
            )
            clip = CLIPTextModel(CLIPTextConfig(vocab_size=len(clip_words), **ends, **shapes["clip"]))
            t5 = T5EncoderModel(T5Config(vocab_size=len(t5_words), **shapes["t5"]))
    finally:
        torch.set_default_dtype(usual)
    for part in (vae, transformer, clip, t5):
        part.eval().requires_grad_(False)
    made = FluxFillPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=vae,
        text_encoder=clip,
        tokenizer=clip_words,
        text_encoder_2=t5,
        tokenizer_2=t5_words,
        transformer=transformer,
    )
    made.set_progress_bar_config(disable=True)
    return made
