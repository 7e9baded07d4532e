"""Builds a tiny but real FLUX Fill pipeline folder: diffusers' own classes, random weights, about 1 MB.

It needs no download, no pytest and no GPU: `python tests/models/flux_fill/tiny_pipeline.py FOLDER`. Its pictures are noise, so it
proves the way of a picture through the code and nothing about quality. But it heeds its prompt and its picture: another of either shows
more than what precision, caches and tiles change, so a test that bounds these also sees a mix-up.

The channel counts hang together: the transformer takes 16 latent channels x 4 (packed 2x2) for the noise, as many for the masked picture,
and 8x8 mask pixels x 4 for the mask: 384. Text lengths (77 and 512) are those of the real tokenizers.
"""

from __future__ import annotations

import string
import sys
from pathlib import Path
from typing import Any

NATIVE_SIDE = 128
_LATENT_CHANNELS = 16
_MASK_CHANNELS = 64
# By how much what is new at random heeds the sense of the prompt, and the picture, too little.
_HEED_PROMPT, _HEED_PICTURE = 10, 20


def build(folder: Path) -> None:
    """Write the pipeline to `folder`, which is made where it is absent. The weights are the same each time."""
    import torch
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        clip_words, t5_words = clip_tokenizer(), t5_tokenizer()
        pipeline = FluxFillPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae=_vae(),
            text_encoder=_clip(clip_words),
            tokenizer=clip_words,
            text_encoder_2=_t5(t5_words),
            tokenizer_2=t5_words,
            transformer=_transformer(),
        )
    pipeline.save_pretrained(folder)


def _transformer() -> Any:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

    transformer: Any = FluxTransformer2DModel(
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
    transformer.time_text_embed.text_embedder.linear_1.weight.data *= _HEED_PROMPT
    # The inputs are the noise, the masked picture and the mask, in this order.
    transformer.x_embedder.weight.data[:, 4 * _LATENT_CHANNELS : 8 * _LATENT_CHANNELS] *= _HEED_PICTURE
    return transformer


def _vae() -> Any:
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


def clip_tokenizer() -> Any:
    """Two symbols for each character, one of them for the end of a word, and no merges: it counts tokens honestly."""
    from transformers import CLIPTokenizer

    letters = list(string.ascii_lowercase + string.digits + string.punctuation)
    symbols = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(vocab={symbol: index for index, symbol in enumerate(symbols)}, merges=[])
    tokenizer.model_max_length = 77
    return tokenizer


def t5_tokenizer() -> Any:
    from transformers import T5TokenizerFast

    pieces = ["<pad>", "</s>", "<unk>", "▁", *string.ascii_letters, *string.digits, *string.punctuation]
    tokenizer = T5TokenizerFast(vocab=[(piece, -float(index)) for index, piece in enumerate(pieces)], extra_ids=0)
    tokenizer.model_max_length = 512
    return tokenizer


def _clip(tokenizer: Any) -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel

    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        projection_dim=32,
        intermediate_size=37,
        num_hidden_layers=2,
        num_attention_heads=4,
        # The tokenizer's own: the usual 2 would switch on a legacy rule of pooling.
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def _t5(tokenizer: Any) -> Any:
    from transformers import T5Config, T5EncoderModel

    config = T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4, relative_attention_num_buckets=8)
    return T5EncoderModel(config)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
