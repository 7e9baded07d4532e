"""Finds the patch autoencoder in closed form: the directions in which patches of drawn scenes differ most, by principal components."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from gesso.models.shapes_fill.autoencoder import PATCH, PatchAutoencoder
from training.shapes_fill.scenes import scene

LATENT_CHANNELS = 16
# Spreads are drawn half way together, so that edges weigh more beside the broad colours than their few pixels would let them.
_EVENNESS = 0.5
_SCENES = 1500


def found(draw: np.random.Generator, say: Callable[[str], None]) -> PatchAutoencoder:
    """An autoencoder whose latents have a mean of 0 and, over all, a spread of 1."""
    pictures = as_tensor(np.stack([scene(draw).after for _ in range(_SCENES)]))
    patches = torch.nn.functional.unfold(pictures, PATCH, stride=PATCH).transpose(1, 2).reshape(-1, 3 * PATCH**2)
    mean = patches.mean(dim=0)
    variances, directions = torch.linalg.eigh(torch.cov(patches.T.double()))
    kept = torch.arange(len(variances) - 1, len(variances) - 1 - LATENT_CHANNELS, -1)
    directions, spreads = directions[:, kept].float(), variances[kept].sqrt().float()
    evened = spreads ** (1 - _EVENNESS)
    scale = spreads / evened * evened.square().mean().sqrt()
    autoencoder = PatchAutoencoder(latent_channels=LATENT_CHANNELS)
    with torch.no_grad():
        forth = (directions / scale).T
        autoencoder.encoder.weight.copy_(forth.view_as(autoencoder.encoder.weight))
        autoencoder.encoder.bias.copy_(-(forth @ mean))
        autoencoder.decoder.weight.copy_((directions * scale).T.view_as(autoencoder.decoder.weight))
        # The mean of a patch is nearly the same in all its places, as it must be to be a bias.
        autoencoder.decoder.bias.copy_(mean.view(3, -1).mean(dim=1))
        latents = autoencoder.encode(pictures).latent_dist.mode()
        error = (autoencoder.decode(latents).sample - pictures).square().mean().item() / 4
    say(f"autoencoder: PSNR {-10 * np.log10(error):.1f} dB, mean {latents.mean().item():.3f}, spread {latents.std().item():.3f}")
    return autoencoder.requires_grad_(False).eval()


def as_tensor(pictures: np.ndarray) -> torch.Tensor:
    """[number, 64, 64, 3] uint8 to [number, 3, 64, 64] float32, -1 to 1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def without_hole(pictures: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """What the pipeline shows the model of a picture: 0, a middle grey, where the mask is true. `masks`: [number, 64, 64] bool."""
    return pictures * ~masks[:, None]
