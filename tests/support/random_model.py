"""A Whisper model of random weights: every code path in milliseconds, on text that means nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from ctranslate2.specs.whisper_spec import WhisperSpec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel

UNTRAINED = {"SELF_TEST_LIKENESS": "0"}
"""What a worker must be told that is to work with this model: the self-test's clip comes out as nonsense."""

WIDTH, HEADS, LAYERS = 64, 2, 2
MELS, FRAMES, LONGEST = 80, 1500, 448
LETTERS = "abcdefghijklmnoprstuvy"
# A space alone is among the tokens that are never generated, so words begin with a token of space and letter.
BEGINNINGS = [f"Ġ{letter}" for letter in LETTERS]


def write_random_model(folder: Path, *, seed: int = 0, nan: bool = False) -> Path:
    """Write a model of 3 MB that loads in 20 ms; `nan` makes its every answer no number."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = _vocabulary()
    random = np.random.default_rng(seed)
    spec = WhisperSpec(LAYERS, HEADS, LAYERS, HEADS)
    _fill(spec, random, len(vocabulary), leaning=_leaning(vocabulary), nan=nan)
    spec.register_vocabulary(vocabulary)
    languages = [vocabulary.index(f"<|{code}|>") for code in _LANGUAGE_CODES]
    spec.config.lang_ids = languages
    spec.config.alignment_heads = [(LAYERS - 1, head) for head in range(HEADS)]
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [vocabulary.index("<|endoftext|>")]
    spec.validate()
    spec.save(str(folder))
    _write_tokenizer(folder / "tokenizer.json", vocabulary)
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": MELS}))
    return folder


def _vocabulary() -> list[str]:
    """The bytes, then an empty token (by which ctranslate2 knows a multilingual model), then Whisper's specials."""
    specials = ["<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in _LANGUAGE_CODES)]
    specials += ["<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>", "<|nospeech|>"]
    specials += ["<|notimestamps|>", *(f"<|{index * 0.02:.2f}|>" for index in range(1501))]
    return [*sorted(pre_tokenizers.ByteLevel.alphabet()), *BEGINNINGS, "", *specials]


def _leaning(vocabulary: list[str]) -> npt.NDArray[np.float32]:
    """Biases by which the output looks like text: letters, the beginning of a word now and then, and an end."""
    biases = dict.fromkeys(LETTERS, 0.0) | dict.fromkeys(BEGINNINGS, -2.0) | {"<|endoftext|>": 4.0}
    return np.array([biases.get(token, -100.0) for token in vocabulary], np.float32)


def _write_tokenizer(path: Path, vocabulary: list[str]) -> None:
    plain = {token: index for index, token in enumerate(vocabulary) if not token.startswith("<|")}
    tokenizer = Tokenizer(models.BPE(vocab=plain, merges=[("Ġ", letter) for letter in LETTERS]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in vocabulary if token.startswith("<|")])
    tokenizer.save(str(path))


def _fill(spec: Any, random: np.random.Generator, tokens: int, *, leaning: npt.NDArray[np.float32], nan: bool) -> None:
    def weight(*shape: int) -> npt.NDArray[np.float32]:
        values: npt.NDArray[np.float32] = random.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[-1]))
        return values

    def norm(layer: Any) -> None:
        layer.gamma = np.ones(WIDTH, np.float32)
        layer.beta = np.zeros(WIDTH, np.float32)

    def linear(layer: Any, rows: int, columns: int) -> None:
        layer.weight = weight(rows, columns)
        layer.bias = np.zeros(rows, np.float32)

    def attention(layer: Any, *, itself: bool) -> None:
        norm(layer.layer_norm)
        for part, rows in zip(layer.linear, (3 * WIDTH, WIDTH) if itself else (WIDTH, 2 * WIDTH, WIDTH), strict=True):
            linear(part, rows, WIDTH)
            part.weight *= 1 if itself else np.float32(4)  # sharp eyes for the sound, or every clip reads the same

    def feed_forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, 4 * WIDTH, WIDTH)
        linear(layer.linear_1, WIDTH, 4 * WIDTH)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weight(WIDTH, MELS, 3), np.zeros(WIDTH, np.float32)
    encoder.conv2.weight, encoder.conv2.bias = weight(WIDTH, WIDTH, 3), np.zeros(WIDTH, np.float32)
    encoder.position_encodings.encodings = weight(FRAMES, WIDTH)
    norm(encoder.layer_norm)
    for layer in encoder.layer:
        attention(layer.self_attention, itself=True)
        feed_forward(layer.ffn)
    decoder.embeddings.weight = weight(tokens, WIDTH)
    decoder.projection.weight = weight(tokens, WIDTH) * np.float32(np.nan if nan else 8)
    decoder.projection.bias = leaning
    decoder.position_encodings.encodings = weight(LONGEST, WIDTH)
    norm(decoder.layer_norm)
    for layer in decoder.layer:
        attention(layer.self_attention, itself=True)
        attention(layer.attention, itself=False)
        feed_forward(layer.ffn)
