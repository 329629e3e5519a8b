"""Translations in another tone: words alone are changed, and only where rules must."""

from dataclasses import replace
from pathlib import Path

import pytest

from babelmill.kit.worker.handler import FailureReason, StepFailure
from babelmill.translation.v1 import translation_pb2
from tests.unit.translation_worker.attempts import Bench, text_work
from tests.unit.translation_worker.document_runs import DocumentRun, stored
from tests.unit.translation_worker.scripted_engine import ScriptedEngine, scripted_chains
from translation_worker.document import plain_text
from translation_worker.document_json import read_translations
from translation_worker.pipeline import TranslateText
from translation_worker.toning import TONE_ADAPTED

SOURCE = b"Hi, your **letter** for {tua} came.\n\nNothing here.\n"


def engine() -> ScriptedEngine:
    words = {"Hi, your": "Oi, tua", "letter": "carta", "Nothing here": "Nada aqui"}

    def translate(text: str) -> str:
        for source, target in words.items():
            text = text.replace(source, target)
        return text

    return ScriptedEngine(translate)


def adapted(run: DocumentRun, tone: translation_pb2.Tone.ValueType) -> list[tuple[str, bool]]:
    run.options.tone = tone
    (chunk,) = run.extract(stored(SOURCE, "a.md"))
    part = read_translations(run.adapt_tone(chunk, run.translate(chunk)))
    return [(plain_text(each.content), TONE_ADAPTED in each.notes) for each in part.segments]


def test_words_change_and_literals_stay_when_the_tone_is_formal(tmp_path: Path) -> None:
    assert adapted(DocumentRun(tmp_path, engine()), translation_pb2.TONE_FORMAL) == [
        ("Ol\u00e1, sua carta for {tua} came.", True),
        ("Nada aqui.", False),
    ]


def test_terms_stay_when_they_are_in_the_glossary(tmp_path: Path) -> None:
    run = DocumentRun(tmp_path, engine(), glossary=b'[{"source": "Hi", "target": "Oi"}]')
    texts = adapted(run, translation_pb2.TONE_FORMAL)
    assert texts[0][0].startswith("Oi, ")


def test_the_rules_are_left_out_when_the_engine_sets_the_tone(tmp_path: Path) -> None:
    toned = engine()
    toned.capabilities = replace(toned.capabilities, sets_tone=True)
    texts = adapted(DocumentRun(tmp_path, toned), translation_pb2.TONE_FORMAL)
    assert texts[0] == ("Oi, tua carta for {tua} came.", False)


def test_the_step_fails_when_parts_do_not_belong_together(tmp_path: Path) -> None:
    run = DocumentRun(tmp_path, engine())
    (chunk,) = run.extract(stored(SOURCE, "a.md"))
    (other,) = run.extract(stored(b"Hi.", "a.md"))
    with pytest.raises(StepFailure) as failed:
        run.adapt_tone(other, run.translate(chunk))
    assert failed.value.reason is FailureReason.INPUT_DAMAGED


def test_a_short_text_has_its_tone_when_it_is_one_step(tmp_path: Path) -> None:
    work = text_work(SOURCE)
    work.translate_text.settings.options.tone = translation_pb2.TONE_FORMAL
    bench = Bench(tmp_path)
    result = TranslateText(scripted_chains(engine())).run(work, bench.attempt)
    text = bench.read(result.outputs[0]).decode()
    assert text == "Ol\u00e1, sua **carta** for {tua} came.\n\nNada aqui.\n"
