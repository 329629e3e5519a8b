"""A real CTranslate2 model, made here: it "translates" by turning small letters into
capitals, and capitals into small letters.

One attention head looks from each place of the answer at the same place of the sentence; the
target's vocabulary is the source's with its case swapped. Weights are set by hand, so nothing is
fetched, and nothing trained but a vocabulary of single characters.
"""

import io
import json
from pathlib import Path

import ctranslate2  # type: ignore[import-untyped]  # published without types
import numpy as np
import sentencepiece
from ctranslate2.specs.transformer_spec import (  # type: ignore[import-untyped]  # as above
    TransformerSpec,
)

ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,?!'"
PLACES = 320
# Makes the head look at one place only, and the answer be one letter only.
_SHARPNESS = 300.0
_SPECIAL = ["<unk>", "<s>", "</s>"]


def make_argos_package(directory: Path, source: str, target: str) -> Path:
    """Write an unpacked Argos package."""
    package = directory / f"translate-{source}_{target}-1_0"
    (package / "model").mkdir(parents=True)
    pieces = write_pieces(package / "sentencepiece.model")
    write_model(package / "model", pieces)
    metadata = {"package_version": "1.0", "from_code": source, "to_code": target}
    (package / "metadata.json").write_text(json.dumps(metadata))
    return package


def make_plain_model(directory: Path, source: str, target: str) -> Path:
    """Write a converted model with pieces for both sides, in a directory named by its pair."""
    model = directory / f"{source}-{target}"
    model.mkdir(parents=True)
    pieces = write_pieces(model / "source.spm")
    write_pieces(model / "target.spm")
    write_model(model, pieces)
    return model


def write_pieces(path: Path) -> list[str]:
    """Write a SentencePiece model of single characters and return its pieces."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(ALPHABET)] * 5),
        model_writer=written,
        model_type="char",
        vocab_size=len(ALPHABET) + 8,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",
        minloglevel=2,
    )
    path.write_bytes(written.getvalue())
    pieces = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
    return [pieces.id_to_piece(index) for index in range(pieces.get_piece_size())]


def write_model(directory: Path, pieces: list[str]) -> None:
    """Write the weights."""
    letters = [piece for piece in pieces if piece not in _SPECIAL]
    count = len(_SPECIAL) + len(letters)
    # The first part of each vector is the letter, the second the place.
    depth = count + PLACES
    places = np.zeros((PLACES, depth), np.float32)
    places[:, count:] = np.eye(PLACES, dtype=np.float32)
    letter = np.zeros((depth, depth), np.float32)
    letter[:count, :count] = np.eye(count, dtype=np.float32)
    place = np.eye(depth, dtype=np.float32) - letter

    spec = TransformerSpec.from_config(1, 1, pre_norm=True)
    spec.register_source_vocabulary([*_SPECIAL, *letters])
    # A bijection: no piece may stand twice in a vocabulary.
    spec.register_target_vocabulary([*_SPECIAL, *map(str.swapcase, letters)])
    spec.config.add_source_eos = True
    zeros = np.zeros(depth, np.float32)
    ones = np.ones(depth, np.float32)
    embeddings = letter[:count] * 4
    for side, table in ((spec.encoder, [spec.encoder.embeddings[0]]), (spec.decoder, None)):
        side.scale_embeddings = False
        side.position_encodings.encodings = places * 4
        for norm in (side.layer_norm, *(each for each in _norms(side.layer[0]))):
            norm.gamma, norm.beta = ones, zeros
        if table is not None:
            table[0].weight = embeddings
        first = side.layer[0]
        first.self_attention.linear[0].weight = np.zeros((3 * depth, depth), np.float32)
        first.self_attention.linear[1].weight = np.zeros((depth, depth), np.float32)
        for linear in first.self_attention.linear:
            linear.bias = np.zeros(linear.weight.shape[0], np.float32)
        for linear in (first.ffn.linear_0, first.ffn.linear_1):
            linear.weight, linear.bias = np.zeros((depth, depth), np.float32), zeros
    # What was written before does not matter, only the place.
    spec.decoder.embeddings.weight = np.zeros((count, depth), np.float32)
    look = spec.decoder.layer[0].attention.linear
    look[0].weight, look[0].bias = place * _SHARPNESS, zeros
    look[1].weight = np.concatenate([place, letter])
    look[1].bias = np.zeros(2 * depth, np.float32)
    look[2].weight, look[2].bias = letter, zeros
    spec.decoder.projection.weight = letter[:count] * _SHARPNESS
    spec.decoder.projection.bias = np.zeros(count, np.float32)
    spec.validate()
    spec.save(str(directory))
    assert ctranslate2.contains_model(str(directory))


def _norms(layer: object) -> list[object]:
    names = ("self_attention", "attention", "ffn")
    return [getattr(layer, name).layer_norm for name in names if hasattr(layer, name)]
