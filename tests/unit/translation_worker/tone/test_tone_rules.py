"""Tones by rules: what is changed, and what is left because it could be wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from babelmill.kit.wire.failure_reasons import FailureReason
from babelmill.kit.worker.outcome import StepFailure
from translation_worker.tone.adapting import adapt, is_supported

_CHANGED = [
    ("en", "formal", "Don't worry, we're here.", "Do not worry, we are here."),
    (
        "en",
        "formal",
        "I can\u2019t open it and it won't close.",
        "I cannot open it and it will not close.",
    ),
    ("en", "formal", "Why don't you try again?", "Why do you not try again?"),
    ("en", "formal", "It's a file; let's open it.", "It is a file; let us open it."),
    (
        "en",
        "formal",
        "I'd like to say you're gonna win.",
        "I would like to say you are going to win.",
    ),
    ("en", "formal", "Hi Anna, thanks.", "Hello Anna, thanks."),
    ("en", "formal", "Thanks for the file.", "Thank you for the file."),
    ("en", "formal", "DON'T PANIC", "DO NOT PANIC"),
    ("en", "informal", "I am not sure. You cannot do that.", "I'm not sure. You can't do that."),
    ("en", "informal", "Do not close it; we will come.", "Don't close it; we'll come."),
    ("en", "informal", "Dear Sir or Madam, it is a mill.", "Hi, it's a mill."),
    ("en", "neutral", "Yeah, they wanna go.", "Yes, they want to go."),
    ("pt", "formal", "Tu podes abrir o teu ficheiro.", "Você pode abrir o seu ficheiro."),
    ("pt", "formal", "Se queres, isto é para ti.", "Se quer, isto é para você."),
    ("pt", "formal", "Por favor, clica no botão.", "Por favor, clique no botão."),
    ("pt", "formal", "Oi! Tá pronto pra usar.", "Olá! Está pronto para usar."),
    ("pt", "informal", "O senhor pode entrar.", "Você pode entrar."),
    ("pt", "informal", "Prezados senhores, bom dia.", "Olá, bom dia."),
    ("pt-BR", "neutral", "Tô aqui, né?", "Estou aqui, não é?"),
    ("es", "formal", "Tú puedes cambiar tu contraseña.", "Usted puede cambiar su contraseña."),
    ("es", "formal", "Haz clic aquí si necesitas ayuda.", "Haga clic aquí si necesita ayuda."),
    ("es", "formal", "No olvides tus llaves.", "No olvide sus llaves."),
    ("es", "formal", "Te recomendamos que no uses esto.", "Le recomendamos que no use esto."),
    ("es", "formal", "Por favor, usa el tuyo si puedes.", "Por favor, use el suyo si puede."),
    ("es", "informal", "Usted puede entrar.", "Tú puedes entrar."),
    ("es", "informal", "Haga clic aquí.", "Haz clic aquí."),
    ("fr", "formal", "Tu peux ouvrir ton fichier.", "Vous pouvez ouvrir votre fichier."),
    ("fr", "formal", "Salut ! Je t'envoie tes notes.", "Bonjour ! Je vous envoie vos notes."),
    ("ca", "formal", "Pots obrir el teu fitxer.", "Pot obrir el seu fitxer."),
    ("gl", "formal", "Podes abrir o teu ficheiro.", "Pode abrir o seu ficheiro."),
]
_LEFT = [
    ("en", "formal", "It's been a long day. He's gone. She's already finished it."),
    ("en", "formal", "Anna's file and the dog's tail. I'd gone."),
    ("en", "formal", "Thanks to the mill, rock'n'roll and O'Neill's."),
    ("en", "informal", "Yes, I am. As good as it is. Who you are and what they are."),
    ("pt", "formal", "Abre o ficheiro e lê as linhas. Dá-te o teu ficheiro."),
    ("pt", "informal", "O senhor Silva mora na casa do senhor."),
    ("es", "formal", "Puedes registrarte con tu nombre."),
    ("es", "formal", "Si te llamas así, tienes suerte."),
    ("es", "informal", "Usted puede cambiar su clave. Que haga clic."),
    ("fr", "formal", "Le ton monte. Assieds-toi, tu chantes avec ta voix."),
    ("es", "formal", "No está; actívalo si quieres. Por favor borra el que tienes."),
    ("fr", "formal", "Le Ta'izzi et le ton-ton."),
    ("gl", "formal", "Os ti\u0301tulos da xanela."),
    ("ca", "formal", "Et pots asseure al teu lloc."),
    ("gl", "formal", "Podes sentarte no teu sitio."),
]


@pytest.mark.parametrize(("language", "tone", "text", "expected"), _CHANGED)
def test_words_are_changed_when_the_rule_is_sure(
    language: str, tone: str, text: str, expected: str
) -> None:
    adapted = adapt(text, language, tone)
    assert adapted.text == expected
    assert adapted.changes > 0
    assert adapt(expected, language, tone).text == expected


@pytest.mark.parametrize(("language", "tone", "text"), _LEFT)
def test_words_are_left_when_a_change_could_be_wrong(language: str, tone: str, text: str) -> None:
    assert adapt(text, language, tone).text == text


@pytest.mark.parametrize(
    ("language", "tone"), [("de", "formal"), ("fr", "informal"), ("en", "odd")]
)
def test_tone_is_refused_when_there_are_no_rules(language: str, tone: str) -> None:
    assert not is_supported(language, tone)
    with pytest.raises(StepFailure) as failed:
        adapt("Hallo", language, tone)
    assert failed.value.reason is FailureReason.UNSUPPORTED_TONE


@given(
    st.text(alphabet="abz 019%{}<>/$\n.é'\u2019-_@", max_size=60),
    st.sampled_from(sorted({(language, tone) for language, tone, *_ in _CHANGED})),
)
def test_numbers_and_signs_are_kept_when_any_text_is_adapted(
    text: str, manner: tuple[str, str]
) -> None:
    adapted = adapt(text, *manner).text
    signs = re.compile(r"[0-9%{}<>/$\n@_]")
    assert signs.findall(adapted) == signs.findall(text)


@pytest.mark.parametrize(("language", "tone"), sorted({(case[0], case[1]) for case in _CHANGED}))
def test_time_is_linear_when_the_text_is_hostile(language: str, tone: str) -> None:
    text = "it's " * 20_000 + "a" * 100_000 + " tu " * 20_000 + "-" * 50_000
    assert len(adapt(text, language, tone).text) >= len(text) // 2
