"""The CTranslate2 engine with a real model that was made for the test."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ctranslate2", reason="the optional part `models` is not installed")

from tests.engine_stubs.copying_model import make_argos_package, make_plain_model
from translation_worker.engines.ctranslate2 import CTranslate2Engine
from translation_worker.engines.engine import EngineError, EngineUnavailableError, LanguagePair
from translation_worker.engines.registry import EngineSources, find_engines

EN_DE, DE_EN = LanguagePair("en", "de"), LanguagePair("de", "en")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("models")
    make_argos_package(directory, "en", "de")
    make_plain_model(directory, "deu", "eng")
    (directory / "README").write_text("not a model")
    (directory / "notes").mkdir()
    return directory


@pytest.fixture
def engine(models: Path) -> Iterator[CTranslate2Engine]:
    engine = CTranslate2Engine(models)
    yield engine
    engine.close()


def an_unread_package(directory: Path) -> Path:
    """Make a package of which everything is there and nothing is good."""
    package = directory / "translate-en_de-1_0"
    (package / "model").mkdir(parents=True)
    (package / "metadata.json").write_text(json.dumps({"from_code": "en", "to_code": "de"}))
    (package / "model" / "model.bin").write_bytes(b"garbage")
    (package / "sentencepiece.model").write_bytes(b"garbage")
    return package


@pytest.mark.parametrize("pair", [EN_DE, DE_EN])
def test_sentences_are_translated_by_the_model_of_their_direction(
    engine: CTranslate2Engine, pair: LanguagePair
) -> None:
    texts = ["The house is red.", "It rains, does it?", "XQZ0 and 42."]
    assert engine.translate(texts, pair, lambda: None) == [text.swapcase() for text in texts]


def test_the_model_is_sure_of_what_it_does(engine: CTranslate2Engine) -> None:
    (scored,) = engine.translate_scored(["The house."], EN_DE, lambda: None)
    assert scored is not None
    assert 0.5 < scored.confidence <= 1


def test_order_is_kept_when_there_are_many(engine: CTranslate2Engine) -> None:
    texts = [f"Sentence number {index} of all." for index in range(60)]
    asked: list[int] = []
    answers = engine.translate(texts, EN_DE, lambda: asked.append(1))
    assert answers == [text.swapcase() for text in texts]
    assert len(asked) >= 4, "a stop is looked for between batches"


def test_a_sentence_is_given_up_when_the_model_does_not_know_its_letters(
    engine: CTranslate2Engine,
) -> None:
    assert engine.translate(["日本", "It rains."], EN_DE, lambda: None) == [None, "iT RAINS."]


def test_only_its_own_pairs_are_translated(engine: CTranslate2Engine) -> None:
    assert engine.direct_pairs() == {EN_DE, DE_EN}
    with pytest.raises(EngineError):
        engine.translate(["Hi."], LanguagePair("en", "fr"), lambda: None)


def test_the_version_changes_when_a_model_does(tmp_path: Path) -> None:
    package = an_unread_package(tmp_path)
    before = CTranslate2Engine(tmp_path).version
    assert CTranslate2Engine(tmp_path).version == before
    with (package / "model" / "model.bin").open("ab") as file:
        file.write(b"\0")
    assert CTranslate2Engine(tmp_path).version != before


def test_a_damaged_model_is_told_when_it_is_used(tmp_path: Path) -> None:
    an_unread_package(tmp_path)
    engine = CTranslate2Engine(tmp_path)
    with pytest.raises(EngineUnavailableError):
        engine.translate(["Hi."], EN_DE, lambda: None)


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "[]",
        "{}",
        *(json.dumps({"from_code": "en", "to_code": code}) for code in ("../x", "en")),
    ],
)
def test_a_package_is_left_out_when_its_metadata_are_wrong(tmp_path: Path, metadata: str) -> None:
    package = an_unread_package(tmp_path)
    (package / "metadata.json").write_text(metadata)
    plain = tmp_path / "de-en"
    plain.mkdir()
    for name in ("model.bin", "sentencepiece.model"):
        (plain / name).write_bytes(b"not read yet")
    engine = CTranslate2Engine(tmp_path)
    assert engine.direct_pairs() == {DE_EN}
    assert list(engine.rejected_directories) == [package.name]


def test_the_engine_is_left_out_when_there_are_no_models(tmp_path: Path) -> None:
    for directory in (tmp_path, tmp_path / "missing"):
        sources = EngineSources(models_dir=directory)
        assert list(find_engines(["ctranslate2"], tmp_path, sources=sources)) == []


def test_the_engine_is_there_when_there_is_a_model(models: Path) -> None:
    found = find_engines(["ctranslate2"], models, sources=EngineSources(models_dir=models))
    assert list(found) == ["ctranslate2"]
