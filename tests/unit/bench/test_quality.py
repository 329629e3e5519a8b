"""The routing table says what was measured, and a table that misleads is found out."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.corpora import Aligned, CorpusError, corpora, sample
from bench.quality import Measured, _table_json, _wrong_choices
from bench.quality_routes import hop_qualities, scores
from translation_worker.engines.engine import LanguagePair
from translation_worker.route_quality import parse_quality
from translation_worker.routing import Hop

EN_PT = Hop("bergamot", LanguagePair("en", "pt"))
EN_ES = Hop("apertium", LanguagePair("en", "es"))
ES_EN = Hop("apertium", LanguagePair("es", "en"))
PT_ES = Hop("apertium", LanguagePair("pt", "es"))
BLEU: dict[tuple[Hop, ...], float] = {
    (EN_PT,): 50.0,
    (EN_ES,): 30.0,
    (PT_ES,): 45.0,
    (EN_PT, PT_ES): 40.0,
}


def measured(hops: Sequence[Hop], bleu: float) -> Measured:
    return Measured(str(hops), "handbook", 10, bleu, 60.0, bleu, 60.0, 0, 1.0)


def test_a_hop_between_relatives_counts_by_what_it_keeps_when_it_was_measured_so() -> None:
    assert hop_qualities(BLEU) == {EN_PT: 0.5, EN_ES: 0.3, PT_ES: 0.8}
    assert hop_qualities({(PT_ES,): 45.0}) == {PT_ES: 0.45}
    into_english = {(PT_ES,): 45.0, (ES_EN,): 40.0, (PT_ES, ES_EN): 36.0}
    assert hop_qualities(into_english) == {PT_ES: 0.9, ES_EN: 0.4}
    # No hop keeps more than there was.
    assert hop_qualities({**into_english, (PT_ES, ES_EN): 50.0})[PT_ES] == 1.0


def test_no_choice_is_wrong_when_the_product_tells_the_score() -> None:
    assert _wrong_choices(hop_qualities(BLEU), BLEU) == []


def test_a_wrong_choice_is_named_when_the_table_prefers_the_worse_route() -> None:
    (wrong,) = _wrong_choices({EN_PT: 0.5, EN_ES: 0.3, PT_ES: 0.45}, BLEU)
    assert wrong.startswith("en-es: en -apertium-> es at 30.0 of 40.0")


def test_the_table_is_one_that_the_worker_reads_when_it_is_written() -> None:
    paths = {hops: [measured(hops, bleu)] for hops, bleu in BLEU.items()}
    text = _table_json(hop_qualities(BLEU), paths, 10)
    quality = parse_quality(text)
    assert quality.of("apertium", LanguagePair("pt", "es")) == 0.8
    assert len(json.loads(text)["measured"]) == 3


def test_the_sample_is_the_same_when_it_is_drawn_again_in_another_order() -> None:
    texts = [Aligned({"en": f"text number {n}", "es": f"texto número {n}"}) for n in range(50)]
    drawn = sample(texts, "en", "es", 10)
    assert drawn == sample(list(reversed(texts)), "en", "es", 10)
    assert len(set(drawn)) == 10


def test_a_text_is_left_out_when_it_was_not_translated() -> None:
    texts = [Aligned({"en": "same", "es": "same"}), Aligned({"en": "short", "es": "s" * 100})]
    assert sample(texts, "en", "es", 10) == []


def test_scores_are_full_when_the_translation_is_the_reference() -> None:
    text = "this sentence is long enough for four words in a row"
    bleu, chrf = scores([text], [text])
    assert bleu == pytest.approx(100)
    assert chrf == pytest.approx(100)


def test_it_is_said_when_the_texts_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        corpora(tmp_path)
