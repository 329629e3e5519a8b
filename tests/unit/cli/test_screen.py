"""What is printed is text, whoever wrote it."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from babelmill.cli.screen import neutralise, one_line, to_json
from babelmill.jobs.v1 import job_pb2


@given(st.text())
def test_no_control_character_is_left_when_text_is_neutralised(text: str) -> None:
    shown = neutralise(text)
    assert all(c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cs"} for c in shown)


@given(st.text(st.characters(exclude_categories=["C"])))
def test_text_is_unchanged_when_it_is_harmless(text: str) -> None:
    assert neutralise(text) == text


def test_line_ends_are_kept_when_text_is_neutralised() -> None:
    assert neutralise("a\r\nb\tc\n") == "a\nb\tc\n"
    assert neutralise("a\rb") == "a\\x0db"
    assert neutralise("\u202e") == "\\u202e"


@given(st.text())
def test_there_is_one_line_when_a_message_is_shown(text: str) -> None:
    assert "\n" not in one_line(text)
    assert "\t" not in one_line(text)


def test_json_has_the_contracts_names_when_a_message_is_written() -> None:
    assert to_json(job_pb2.Job(job_id="é", sequence=7)) == '{"job_id": "é", "sequence": "7"}'
