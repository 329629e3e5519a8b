"""The checked-in stubs are those that the contract gives today."""

import filecmp
import importlib.util
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_stubs_equal_generated_ones_when_generated_again(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "protos" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)

    generator.generate(tmp_path)

    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*_pb2*")}
    kept = {path.relative_to(ROOT) for path in (ROOT / "babelmill").rglob("*_pb2*.py*")}
    kept = {path for path in kept if "__pycache__" not in path.parts}
    assert made == kept
    _, different, errors = filecmp.cmpfiles(tmp_path, ROOT, map(str, made), shallow=False)
    assert (different, errors) == ([], []), "run `make stubs` and commit the result"
