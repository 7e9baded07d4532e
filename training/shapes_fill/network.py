"""The transformer, and the whole as diffusers' stock FluxFillPipeline: the same classes as FLUX.1 Fill, two and a half million parameters.

64 x 64 pixels are 16 x 16 latent pixels of 16 channels, packed 2 x 2 into 64 tokens; with the masked picture's latents and 4 x 4 mask
pixels each token has 64 + 64 + 64 = 192 channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from torch import Tensor, nn
from transformers import CLIPTextModel, CLIPTokenizer, T5EncoderModel, T5TokenizerFast

from gesso.models.shapes_fill.autoencoder import PatchAutoencoder
from training.shapes_fill.autoencoder import LATENT_CHANNELS
from training.shapes_fill.words import WIDTH, clip_encoder, clip_tokenizer, t5_encoder, t5_tokenizer

# Latent pixels per side of a picture, and picture pixels per side of a latent pixel.
LATENT_SIDE, SCALE = 16, 4


@dataclass(slots=True)
class Parts:
    """What is learned, and the tokenizers that belong to it."""

    transformer: FluxTransformer2DModel
    clip: CLIPTextModel
    t5: T5EncoderModel
    clip_tokenizer: CLIPTokenizer
    t5_tokenizer: T5TokenizerFast

    def sense(self, clip_ids: Tensor) -> Tensor:
        """What CLIP makes of sentences as a whole: [sentences, WIDTH]."""
        return self.clip(clip_ids).pooler_output

    def tokens(self, t5_ids: Tensor) -> Tensor:
        """What T5 makes of the tokens of sentences: [sentences, TOKENS, WIDTH]."""
        return self.t5(t5_ids)[0]

    def pipeline(self, autoencoder: PatchAutoencoder) -> FluxFillPipeline:
        pipeline = FluxFillPipeline(
            scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
            vae=autoencoder,
            text_encoder=self.clip,
            tokenizer=self.clip_tokenizer,
            text_encoder_2=self.t5,
            tokenizer_2=self.t5_tokenizer,
            transformer=self.transformer,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def untaught() -> Parts:
    clip_words, t5_words = clip_tokenizer(), t5_tokenizer()
    return Parts(_transformer(), clip_encoder(clip_words), t5_encoder(t5_words), clip_words, t5_words)


def _transformer() -> FluxTransformer2DModel:
    transformer = FluxTransformer2DModel(
        in_channels=4 * (2 * LATENT_CHANNELS + SCALE**2),
        out_channels=4 * LATENT_CHANNELS,
        num_layers=2,
        num_single_layers=4,
        # Few heads, but wide: places are told apart by pairs of features that turn, and narrow heads have only two that turn fast enough.
        attention_head_dim=64,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        pooled_projection_dim=WIDTH,
        guidance_embeds=True,
        axes_dims_rope=(8, 28, 28),
    )
    # Each block starts as nothing but its skip connection, which makes the first thousand steps worth more.
    for block in transformer.transformer_blocks:
        _zero(block.norm1.linear)
        _zero(block.norm1_context.linear)
    for block in transformer.single_transformer_blocks:
        _zero(block.norm.linear)
    _zero(transformer.norm_out.linear)
    _zero(transformer.proj_out)
    _pass_through(transformer)
    # No guidance was distilled into this model, so every value of it shall mean the same.
    _zero(transformer.time_text_embed.guidance_embedder.linear_2)
    transformer.time_text_embed.guidance_embedder.requires_grad_(False)
    return transformer


def _pass_through(transformer: FluxTransformer2DModel) -> None:
    """Let the noisy latents through to the answer from the beginning: most of the direction to the noise is the noise itself."""
    latents = torch.eye(4 * LATENT_CHANNELS)
    with torch.no_grad():
        transformer.x_embedder.weight[: len(latents)] = 0
        transformer.x_embedder.weight[: len(latents), : len(latents)] = latents
        transformer.x_embedder.bias.zero_()
        transformer.proj_out.weight[:, : len(latents)] = 0.7 * latents


def _zero(layer: nn.Linear) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def packed(latents: Tensor) -> Tensor:
    """[batch, channels, 16, 16] to [batch, 64, 4 * channels], as the pipeline packs them."""
    batch, channels, height, width = latents.shape
    return FluxFillPipeline._pack_latents(latents, batch, channels, height, width)


def packed_masks(masks: Tensor) -> Tensor:
    """[batch, 64, 64] of 0 and 1 to [batch, 64, 64]: the mask is not made smaller, its pixels become channels."""
    cells = masks.view(-1, LATENT_SIDE, SCALE, LATENT_SIDE, SCALE).permute(0, 2, 4, 1, 3)
    return packed(cells.reshape(-1, SCALE**2, LATENT_SIDE, LATENT_SIDE))


def velocity(transformer: nn.Module, noisy: Tensor, known: Tensor, time: Tensor, sense: Tensor, tokens: Tensor) -> Tensor:
    """What the transformer answers, called as the pipeline calls it. Units: `time` 0 (picture) to 1 (noise)."""
    side = LATENT_SIDE // 2
    return transformer(
        hidden_states=torch.cat((noisy, known), dim=2),
        timestep=time,
        guidance=torch.full_like(time, 30.0),
        pooled_projections=sense,
        encoder_hidden_states=tokens,
        txt_ids=torch.zeros(tokens.shape[1], 3),
        img_ids=FluxFillPipeline._prepare_latent_image_ids(len(noisy), side, side, noisy.device, noisy.dtype),
        return_dict=False,
    )[0]
