"""What `make test` makes of tests that fail once, twice, or for another reason."""

from pathlib import Path

import pytest

from tests import suite

INI = "[pytest]\nmarkers =\n    slow: long\n    alone: by itself\n"
UNSTEADY = """
from pathlib import Path
def test_later():
    seen = Path(__file__).with_name("seen")
    ran_before = seen.exists()
    seen.touch()
    assert ran_before
"""
STEADY = "def test_steady():\n    pass\n"
BROKEN = "def test_broken():\n    assert False\n"
BY_ITSELF = "import pytest\n@pytest.mark.alone\ndef test_by_itself():\n    pass\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pytest.ini").write_text(INI)
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(suite, "FAILED", tmp_path / ".pytest_cache/v/cache/lastfailed")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DEBUG_TEMPROOT", str(tmp_path))
    # The small projects need none of the others, which take a second to import.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_PLUGINS", "xdist.plugin")
    add(tmp_path, "tests/acceptance/test_steady.py", STEADY + BY_ITSELF)
    return tmp_path


def add(project: Path, name: str, text: str) -> None:
    path = project / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_suite_passes_when_every_test_does(capfd: pytest.CaptureFixture[str]) -> None:
    assert suite.main() == 0
    assert "once more" not in capfd.readouterr().out


def test_suite_passes_and_says_so_when_a_test_passes_the_second_time(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    add(project, "tests/acceptance/test_unsteady.py", UNSTEADY)
    assert suite.main() == 0
    assert "UNSTEADY tests/acceptance/test_unsteady.py::test_later" in capfd.readouterr().out


def test_suite_fails_when_a_test_fails_twice(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    add(project, "tests/acceptance/test_both.py", UNSTEADY + BROKEN)
    assert suite.main() == 1
    said = capfd.readouterr().out
    assert "UNSTEADY tests/acceptance/test_both.py::test_later" in said
    assert "FAILED TWICE tests/acceptance/test_both.py::test_broken" in said


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("tests/unit/test_unit.py", UNSTEADY, id="a test without processes"),
        pytest.param("tests/acceptance/test_broken.py", "import nothing_there", id="no import"),
    ],
)
def test_suite_fails_at_once_when_time_cannot_be_the_reason(
    name: str, text: str, project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    add(project, name, text)
    assert suite.main() == 1
    assert "once more" not in capfd.readouterr().out


def test_nothing_is_run_again_when_too_much_fails() -> None:
    files = [f"tests/acceptance/test_{number}.py" for number in range(suite.MOST_FILES + 1)]
    assert suite.deserves_second_run(files[1:])
    assert not suite.deserves_second_run(files)
    assert not suite.deserves_second_run([])
