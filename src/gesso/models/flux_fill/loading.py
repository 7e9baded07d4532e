"""Loading a pipeline by a memory plan: each part in its precision, at its place. Belongs in the Worker."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gesso.models.flux_fill.memory import Placement, Plan, Precision
from gesso.models.flux_fill.weights import NAME, FolderIncompleteError

if TYPE_CHECKING:
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline


def load(folder: Path, device: str, plan: Plan) -> FluxFillPipeline:
    """The pipeline of a folder that was checked. What is not quantized has one dtype, because mixed ones fail in the middle of a run.

    Errors: FolderIncompleteError when there are not as many weights as the settings beside them promise; what the libraries raise.
    """
    import torch
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.pipelines.flux.pipeline_flux_fill import FluxFillPipeline
    from diffusers.utils import logging as diffusers_logging
    from transformers import CLIPTextModel, T5EncoderModel
    from transformers.utils import logging as transformers_logging

    # Their warnings quote the client's prompt and repeat what Filler says itself; their bars are noise in a log.
    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
    dtype = torch.float32 if plan.precision is Precision.FLOAT32 else torch.bfloat16
    transformer = _transformer(folder / "transformer", dtype, plan.precision)
    # The largest part leaves main memory before the next one comes.
    if plan.placement is not Placement.STREAMED and plan.precision is not Precision.INT4:
        transformer.to(device)
    # One by one, because the pipeline would not hand on what was missing.
    parts = {
        name: _whole(kind, folder / name, dtype=dtype)
        for name, kind in (("vae", AutoencoderKL), ("text_encoder", CLIPTextModel), ("text_encoder_2", T5EncoderModel))
    }
    # By its own class: AutoPipelineForInpainting does not know FLUX Fill.
    pipeline = FluxFillPipeline.from_pretrained(folder, transformer=transformer, **parts, dtype=dtype, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    pipeline.vae.to(device)
    if plan.placement is Placement.WHOLE:
        pipeline.text_encoder.to(device)
        pipeline.text_encoder_2.to(device)
    if plan.placement is Placement.STREAMED:
        transformer.enable_group_offload(
            onload_device=torch.device(device),
            offload_type="block_level",
            num_blocks_per_group=1,
            use_stream=device != "cpu",
        )
    if plan.is_tiled:
        _tile(pipeline.vae)
    return pipeline


@contextmanager
def reading(pipeline: Any, device: str, plan: Plan) -> Iterator[str]:
    """The device on which the text encoders are while they read a prompt."""
    import torch

    encoders = pipeline.text_encoder, pipeline.text_encoder_2
    if plan.placement is Placement.WHOLE:
        yield device
    elif plan.encoders_visit:
        try:
            for encoder in encoders:
                encoder.to(device)
            yield device
        finally:
            for encoder in encoders:
                encoder.to("cpu")
            release_memory()
    else:
        # The transformer waits meanwhile, so every core may read.
        threads = torch.get_num_threads()
        torch.set_num_threads((os.cpu_count() or 1) if device != "cpu" else threads)
        try:
            yield "cpu"
        finally:
            torch.set_num_threads(threads)


def release_memory() -> None:
    """Give back what nobody refers to any more, on the card too."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _transformer(folder: Path, dtype: Any, precision: Precision) -> Any:
    import torch
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

    settings: dict[str, Any] = {}
    if precision is Precision.INT8:
        from diffusers.quantizers.quantization_config import TorchAoConfig
        from torchao.quantization import Int8WeightOnlyConfig  # pyright: ignore[reportMissingImports]

        settings["quantization_config"] = TorchAoConfig(Int8WeightOnlyConfig())
    if precision is Precision.INT4:
        from diffusers.quantizers.quantization_config import BitsAndBytesConfig

        settings["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
        )
    transformer = _whole(FluxTransformer2DModel, folder, torch_dtype=dtype, **settings)
    if precision is Precision.FLOAT8:
        transformer.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=dtype)
    return transformer


def _whole(kind: Any, folder: Path, **settings: Any) -> Any:
    """One part of the pipeline. What its files lack the libraries draw at random, and a picture comes of it all the same."""
    part, told = kind.from_pretrained(folder, local_files_only=True, output_loading_info=True, **settings)
    missing = sorted(told["missing_keys"])
    if missing:
        raise FolderIncompleteError(
            f"The weights in {folder} are not all that its config.json promises: {len(missing)} are missing, {missing[0]} for one. "
            f"Delete that folder and run `gesso models pull {NAME}` again."
        )
    return part


def _tile(vae: Any) -> None:
    """Work in tiles of half the usual side; left alone, tiles begin only above the whole of it."""
    vae.enable_tiling()
    vae.tile_sample_min_size = vae.config.sample_size // 2
    vae.tile_latent_min_size = vae.tile_sample_min_size // 2 ** (len(vae.config.block_out_channels) - 1)
