"""The page of errors tells every reason that the code has."""

from tests.architecture.error_catalogue import PAGE, page


def test_page_tells_every_reason_when_code_has_new_ones() -> None:
    assert PAGE.read_text() == page(), (
        "run PYTHONPATH=. python tests/architecture/error_catalogue.py"
    )
