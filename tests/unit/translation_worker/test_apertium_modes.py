"""Mode files become argument lists, and only usable ones count."""

from pathlib import Path

import pytest

from translation_worker.engines.apertium_modes import MalformedModeError, find_modes, parse_mode
from translation_worker.engines.engine import LanguagePair

PAIR = LanguagePair("en", "es")


def test_a_pipeline_is_parsed_when_its_programs_and_data_exist(tmp_path: Path) -> None:
    data = tmp_path / "with space.bin"
    data.touch()
    mode = parse_mode(PAIR, f"cat -w '{data}' | sort -g $2 '{data}' | tr $1 x\n")
    assert mode.commands == (
        ("cat", "-z", "-w", str(data)),
        ("sort", "-z", "-g", str(data)),
        ("tr", "-z", "-g", "x"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "|",
        "cat | | cat",
        "cat 'unclosed",
        "no-such-program-anywhere x",
        "cat /no/such/data.bin",
    ],
)
def test_a_mode_is_refused_when_it_cannot_run(text: str) -> None:
    with pytest.raises(MalformedModeError):
        parse_mode(PAIR, text)


def test_no_shell_sees_a_mode_when_it_holds_shell_words(tmp_path: Path) -> None:
    mode = parse_mode(PAIR, "cat ';' '$(touch x)' '&&'")
    assert mode.commands == (("cat", "-z", ";", "$(touch x)", "&&"),)


def test_plain_pairs_are_found_by_their_shortest_tags(tmp_path: Path) -> None:
    for name in ("eng-spa", "pt-es", "nno-nob", "eco-es-fr", "es-pt_BR", "eng-cat_valencia", "x"):
        (tmp_path / f"{name}.mode").write_text("cat")
    (tmp_path / "en-es.mode").write_text("cat second")
    (tmp_path / "fr-es.mode").write_text("no-such-program-anywhere")
    (tmp_path / "es-fr.mode").write_bytes(b"\xff\xfe")
    modes, rejected = find_modes(tmp_path)
    assert sorted(map(str, modes)) == ["en-es", "nn-nb", "pt-es"]
    assert modes[PAIR].commands == (("cat", "-z", "second"),)
    assert sorted(rejected) == ["es-fr.mode", "fr-es.mode"]


def test_there_are_no_modes_when_the_directory_is_missing(tmp_path: Path) -> None:
    assert find_modes(tmp_path / "none") == ({}, {})
