"""The language of real sentences is told; where it cannot be, that is said."""

import time

import pytest

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from translation_worker.sources.language import detect

_ENGLISH = "The service keeps every job until its work is done, whatever happens to the machine."
_PORTUGUESE = "O serviço guarda cada trabalho até que esteja feito, aconteça o que acontecer."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (_ENGLISH, "en"),
        (_PORTUGUESE, "pt"),
        ("El servicio guarda cada trabajo hasta que esté hecho, pase lo que pase.", "es"),
        ("Le service garde chaque travail jusqu'à ce qu'il soit terminé.", "fr"),
        ("El servei guarda cada feina fins que està feta, passi el que passi.", "ca"),
        ("Xunta de Galicia ten moitas cousas que facer hoxe pola mañá.", "gl"),
        ("Der Dienst behält jede Aufgabe, bis die Arbeit getan ist.", "de"),
        ("Tjenesten beholder hver oppgave til arbeidet er gjort, uansett hva som skjer.", "nb"),
        ("Сервис хранит каждую задачу, пока работа не закончена.", "ru"),
        ("Η υπηρεσία κρατά κάθε εργασία μέχρι να τελειώσει.", "el"),  # noqa: RUF001 - it is Greek
        ("このサービスは仕事が終わるまで保存します。", "ja"),
        ("该服务会保留每项工作直到完成为止", "zh"),
        ("Click here to continue", "en"),
    ],
)
def test_language_is_told_when_the_text_is_a_sentence(text: str, language: str) -> None:
    detected = detect([text])
    assert detected.language == language
    assert 0.35 <= detected.confidence <= 1


@pytest.mark.parametrize("texts", [[], [""], ["12345 !!!", "https://example.com/x"], ["OK"]])
def test_language_is_unknown_when_the_texts_say_too_little(texts: list[str]) -> None:
    with pytest.raises(StepFailure) as failed:
        detect(texts)
    assert failed.value.reason is FailureReason.LANGUAGE_UNKNOWN
    assert not failed.value.retryable


def test_majority_decides_with_its_share_when_languages_are_mixed() -> None:
    texts = [_ENGLISH] * 30 + [_PORTUGUESE] * 10
    detected = detect(texts)
    assert detected.language == "en"
    assert 0.65 < detected.confidence < 0.85


def test_candidates_are_told_when_no_language_has_a_majority() -> None:
    third = "Der Dienst behält jede Aufgabe, bis die Arbeit an ihr ganz getan ist."
    with pytest.raises(StepFailure) as failed:
        detect([*[_ENGLISH] * 40, *[_PORTUGUESE] * 40, *[third] * 40])
    words = failed.value.metadata["candidates"]
    assert {pair.partition("=")[0] for pair in words.split(",")} == {"en", "pt", "de"}


def test_words_of_no_language_are_passed_over_when_they_are_many() -> None:
    noise = ["/usr/lib/python3/dist-packages/apt_pkg.so", "foo_bar(baz42)", "a@b.example"] * 200
    assert detect([*noise, _PORTUGUESE]).language == "pt"


def test_only_the_named_languages_are_considered_when_they_are_given() -> None:
    assert detect(["A casa é grande e bonita"], {"en", "pt"}).language == "pt"


def test_time_is_linear_when_a_text_has_no_spaces() -> None:
    """Chinese has none: a rule for words must not look at the whole text again and again."""
    started = time.process_time()
    assert detect(["该服务会保留每项工作直到完成为止" * 20_000]).language == "zh"
    assert time.process_time() - started < 5
