"""The checked-in stubs are those that the contract gives today."""

import filecmp
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def generator() -> ModuleType:
    """The generator, which is in no package."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "protos" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_packages_of_others_are_left_alone_when_they_lie_below(
    generator: ModuleType, tmp_path: Path
) -> None:
    other = tmp_path / ".venv" / "site-packages" / "other"
    other.mkdir(parents=True)
    (other / "other_pb2.py").touch()
    (other / "__init__.py").write_text("NAME = 1\n")
    generator.generate(tmp_path)
    assert (other / "__init__.py").read_text() == "NAME = 1\n"
    assert not (other.parent / "__init__.py").exists()


def test_stubs_equal_generated_ones_when_generated_again(
    generator: ModuleType, tmp_path: Path
) -> None:
    generator.generate(tmp_path)

    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2*")}
    kept = {path.relative_to(ROOT) for path in (ROOT / "babelmill").rglob("*_pb2*.py*")}
    kept = {path for path in kept if "__pycache__" not in path.parts}
    assert made == kept
    _, different, errors = filecmp.cmpfiles(tmp_path, ROOT, map(str, made), shallow=False)
    assert (different, errors) == ([], []), "run `make stubs` and commit the result"
