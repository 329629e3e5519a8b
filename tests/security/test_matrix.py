"""The table of hostile input says what the tests say."""

from pathlib import Path

import pytest

from tests.security.matrix import BEGIN, END, MATRIX, PAGE, marked_rows, render, updated


def test_page_has_every_test_when_tests_are_new() -> None:
    text = PAGE.read_text()
    assert updated(text, marked_rows()) == text, "run tests/security/matrix.py"


def test_every_row_exists_when_a_test_names_it() -> None:
    assert set(marked_rows()) <= set(MATRIX)
    assert list(MATRIX) == list(range(1, 66))


def test_rows_are_found_when_tests_are_marked(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "@pytest.mark.matrix(3, 5)\n@pytest.mark.slow\nasync def test_one_when_two(): ...\n"
        "@pytest.mark.row('S1')\ndef test_other(): ...\n"
    )
    assert marked_rows(tmp_path) == {
        3: ["test_a.py::test_one_when_two"],
        5: ["test_a.py::test_one_when_two"],
    }


def test_table_is_replaced_when_the_page_has_one() -> None:
    page = f"before {BEGIN} outdated {END} after"
    new = updated(page, {1: ["unit/test_a.py::test_big_is_refused"]})
    assert new.startswith("before ")
    assert new.endswith(" after")
    assert " outdated " not in new
    assert "[big is refused](../tests/unit/test_a.py)" in new
    assert render({}).count("none yet") == len(MATRIX)
    with pytest.raises(ValueError, match="no place"):
        updated("nothing", {})
