"""Two tiny tokenizers and two tiny text encoders, of the classes that FLUX has: CLIP for the sense as a whole, T5 for the words in order.

Words of the sentences are one token each; all other text is spelled by letters, so that nothing is unknown but capitals and
what is not ASCII.
"""

from __future__ import annotations

import itertools
import string

from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer, PreTrainedTokenizerBase, T5Config, T5EncoderModel, T5TokenizerFast

from training.shapes_fill.subjects import vocabulary

TOKENS = 12
WIDTH = 64
_LETTERS = string.ascii_lowercase + string.digits + string.punctuation
# A word beats its letters, whatever its length.
_WORD_SCORE, _LETTER_SCORE = -1.0, -20.0


def t5_tokenizer() -> T5TokenizerFast:
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", _LETTER_SCORE)]
    pieces += [(f"▁{word}", _WORD_SCORE) for word in vocabulary() if len(word) > 1]
    pieces += [("▁a", _WORD_SCORE)]
    pieces += [(letter, _LETTER_SCORE) for letter in _LETTERS]
    tokenizer = T5TokenizerFast(vocab=pieces, extra_ids=0)
    tokenizer.model_max_length = TOKENS
    return tokenizer


def clip_tokenizer() -> CLIPTokenizer:
    merges = _merges(vocabulary())
    symbols = ["<|startoftext|>", "<|endoftext|>", *_LETTERS, *(f"{letter}</w>" for letter in _LETTERS)]
    symbols += dict.fromkeys("".join(pair) for pair in merges)
    tokenizer = CLIPTokenizer(vocab={symbol: index for index, symbol in enumerate(symbols)}, merges=merges)
    tokenizer.model_max_length = TOKENS
    return tokenizer


def ids(tokenizer: PreTrainedTokenizerBase, prompts: list[str]) -> Tensor:
    """[prompts, TOKENS], as the pipeline asks for them."""
    return tokenizer(prompts, padding="max_length", max_length=TOKENS, truncation=True, return_tensors="pt").input_ids


def t5_encoder(tokenizer: T5TokenizerFast) -> T5EncoderModel:
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=WIDTH,
        d_kv=16,
        d_ff=2 * WIDTH,
        num_layers=2,
        num_heads=4,
        dropout_rate=0.0,
        feed_forward_proj="gated-gelu",
    )
    return T5EncoderModel(config)


def clip_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        projection_dim=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        # The tokenizer's own: the usual 2 would switch on a legacy rule of pooling.
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def _merges(words: list[str]) -> list[tuple[str, str]]:
    """Rules of byte-pair encoding, in their order, that make one token of each word."""
    merges: list[tuple[str, str]] = []
    for word in words:
        while len(parts := _merged(word, merges)) > 1:
            merges.append((parts[0], parts[1]))
    return merges


def _merged(word: str, merges: list[tuple[str, str]]) -> list[str]:
    parts = [*word[:-1], f"{word[-1]}</w>"]
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    while True:
        pairs = [(ranks[pair], place) for place, pair in enumerate(itertools.pairwise(parts)) if pair in ranks]
        if not pairs:
            return parts
        place = min(pairs)[1]
        parts[place : place + 2] = ["".join(parts[place : place + 2])]
