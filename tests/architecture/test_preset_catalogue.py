"""The page of media tells every preset, and what becomes of every input."""

from tests.architecture.preset_catalogue import PAGE, page


def test_page_tells_every_preset_when_code_has_new_ones() -> None:
    assert PAGE.read_text() == page(PAGE.read_text()), (
        "run PYTHONPATH=. python tests/architecture/preset_catalogue.py"
    )
