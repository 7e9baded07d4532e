"""The autoencoder of shapes-fill: a linear map of patches of 4 x 4 pixels, in the place and with the manners of diffusers' AutoencoderKL.

What is drawn here is flat and sharp, and patches keep that better than a small convolutional autoencoder, whose edges are soft.
"""

from __future__ import annotations

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.autoencoders.vae import DecoderOutput, DiagonalGaussianDistribution
from diffusers.models.modeling_outputs import AutoencoderKLOutput
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

PATCH = 4


class PatchAutoencoder(ModelMixin, ConfigMixin):
    """Shapes: pictures [batch, 3, height, width], -1 to 1; latents [batch, latent_channels, height / 4, width / 4].

    `block_out_channels` is there because the pipeline reads the scale off its length: 2 to the power of one less.
    """

    @register_to_config
    def __init__(
        self,
        sample_size: int = 64,
        latent_channels: int = 24,
        block_out_channels: tuple[int, ...] = (1, 1, 1),
        shift_factor: float = 0.0,
        scaling_factor: float = 1.0,
    ) -> None:
        super().__init__()
        self.encoder = nn.Conv2d(3, latent_channels, PATCH, stride=PATCH)
        self.decoder = nn.ConvTranspose2d(latent_channels, 3, PATCH, stride=PATCH)

    def encode(self, x: Tensor, return_dict: bool = True) -> AutoencoderKLOutput | tuple[DiagonalGaussianDistribution]:
        """The latents as a distribution without spread: the pipeline draws from it."""
        mean = self.encoder(x)
        distribution = DiagonalGaussianDistribution(torch.cat((mean, torch.zeros_like(mean)), dim=1), deterministic=True)
        return AutoencoderKLOutput(latent_dist=distribution) if return_dict else (distribution,)

    def decode(self, z: Tensor, return_dict: bool = True, generator: object = None) -> DecoderOutput | tuple[Tensor]:
        picture = self.decoder(z)
        return DecoderOutput(sample=picture) if return_dict else (picture,)
