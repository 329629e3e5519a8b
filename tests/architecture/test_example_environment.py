"""The example environment and the operations page tell of every setting."""

from tests.architecture.example_environment import PAGE, page, variables

HOW = "run PYTHONPATH=. python tests/architecture/example_environment.py"


def test_example_is_whole_when_settings_are_new() -> None:
    assert PAGE.read_text() == page(), HOW


def test_every_line_can_be_read_as_the_environment_when_filled_in() -> None:
    names = list(variables())
    assert len(names) == len(set(names))
    assert all(name.startswith("BABELMILL_") and name.isupper() for name in names)
