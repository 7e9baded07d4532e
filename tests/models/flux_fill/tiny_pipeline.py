"""Builds a tiny but real FLUX Fill pipeline folder: diffusers' own classes, random weights, about 1.3 MB.

It needs no download, no pytest and no GPU: `python tests/models/flux_fill/tiny_pipeline.py FOLDER`. Its pictures are noise, so it
proves the way of a picture through the code and nothing about quality.

The channel counts hang together: the transformer takes 16 latent channels x 4 (packed 2x2) for the noise, as many for the masked picture,
and 8x8 mask pixels x 4 for the mask: 384. Text lengths (77 and 512) are those of the real tokenizers.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path

NATIVE_SIDE = 128
_LATENT_CHANNELS = 16
_MASK_CHANNELS = 64


def build(folder: Path) -> None:
    """Write the pipeline to `folder`, which is made where it is absent. The weights are the same each time."""
    import torch
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        clip_tokenizer, clip = _clip()
        t5_tokenizer, t5 = _t5()
        pipeline = FluxFillPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae=_vae(),
            text_encoder=clip,
            tokenizer=clip_tokenizer,
            text_encoder_2=t5,
            tokenizer_2=t5_tokenizer,
            transformer=_transformer(),
        )
    pipeline.save_pretrained(folder)


def _transformer():
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

    return FluxTransformer2DModel(
        in_channels=4 * (2 * _LATENT_CHANNELS + _MASK_CHANNELS),
        out_channels=4 * _LATENT_CHANNELS,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32,
        pooled_projection_dim=32,
        guidance_embeds=True,
        axes_dims_rope=(4, 6, 6),
    )


def _vae():
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return AutoencoderKL(
        sample_size=NATIVE_SIDE,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        latent_channels=_LATENT_CHANNELS,
        use_quant_conv=False,
        use_post_quant_conv=False,
        shift_factor=0.1159,
        scaling_factor=0.3611,
    )


def _clip():
    """One token per byte-pair symbol: enough to count tokens honestly, since nothing is ever merged."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    letters = list(string.ascii_lowercase + string.digits + string.punctuation)
    symbols = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(vocab={symbol: index for index, symbol in enumerate(symbols)}, merges=[])
    tokenizer.model_max_length = 77
    config = CLIPTextConfig(
        vocab_size=len(symbols),
        hidden_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return tokenizer, CLIPTextModel(config)


def _t5():
    from transformers import T5Config, T5EncoderModel, T5TokenizerFast

    pieces = ["<pad>", "</s>", "<unk>", "▁", *string.ascii_letters, *string.digits, *string.punctuation]
    tokenizer = T5TokenizerFast(vocab=[(piece, -float(index)) for index, piece in enumerate(pieces)], extra_ids=0)
    tokenizer.model_max_length = 512
    config = T5Config(vocab_size=len(pieces), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, relative_attention_num_buckets=8)
    return tokenizer, T5EncoderModel(config)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
