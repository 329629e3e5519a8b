"""Text goes into the stream and comes out of it without loss or marks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translation_worker.engines.apertium_stream import TERMINATOR, decode, encode, is_complete, tidy


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_text_comes_out_tidied_when_the_pipe_changes_nothing(text: str) -> None:
    message = encode(text)
    assert message.endswith((TERMINATOR + "\0").encode())
    assert decode(message[:-1]).text == tidy(text)


@given(st.text())
def test_a_message_holds_one_nul_when_the_text_holds_any(text: str) -> None:
    assert encode(text).count(b"\0") == 1


@given(st.binary())
def test_decoding_never_fails_when_the_pipe_writes_anything(message: bytes) -> None:
    assert "\n" not in decode(message).text


@pytest.mark.parametrize(
    ("stream", "text", "unknown"),
    [
        ("El *foo y @bar y #baz.[][\n]", "El foo y bar y baz.", 3),
        ("[*]negrita[*] [#]tag[][\n]", "*negrita* #tag", 0),
        (" Es el perro   el hueso .[][\n]", "Es el perro el hueso.", 0),
        ("#<prn>«#decir<vblex><inf>[][\n]", "«decir", 2),
        ("a \\[b\\] \\<c\\> \\\\ \\$[][\n]", "a [b] <c> \\ $", 0),
    ],
)
def test_marks_and_leftovers_go_when_an_answer_is_read(
    stream: str, text: str, unknown: int
) -> None:
    reading = decode(stream.encode())
    assert (reading.text, reading.unknown_words) == (text, unknown)


@pytest.mark.parametrize(
    ("answer", "complete"),
    [(b"La casa.[][\n]", True), (b"[][\n]", True), (b"", False), (b"La ca", False)],
)
def test_an_answer_is_complete_only_when_it_ends_as_its_question(
    answer: bytes, complete: bool
) -> None:
    assert is_complete(answer) is complete
