"""Generates the Python stubs of the contract.

The stubs are checked in so that installing Babelmill needs no compiler;
`tests/architecture/test_stubs.py` regenerates them and compares.

Usage: python protos/generate.py [OUTPUT_DIRECTORY]
"""

import pathlib
import sys
from importlib import resources

from grpc_tools import protoc

PROTOS = pathlib.Path(__file__).resolve().parent


def generate(output: pathlib.Path) -> None:
    """Write the stubs of every proto below `output`. Raises RuntimeError."""
    # The plugins of this very environment, whatever PATH says.
    programs = pathlib.Path(sys.executable).parent
    plugins = [f"--plugin={path}" for path in programs.glob("protoc-gen-mypy*")]
    includes = [f"-I{PROTOS}", f"-I{resources.files('grpc_tools') / '_proto'}"]
    everything = sorted(str(path) for path in PROTOS.rglob("*.proto"))
    # Protos without a service would only give empty gRPC modules.
    services = [path for path in everything if path.endswith("_service.proto")]
    runs = (
        [f"--python_out={output}", f"--mypy_out={output}", *everything],
        [f"--grpc_python_out={output}", f"--mypy_grpc_out={output}", *services],
    )
    for arguments in runs:
        if protoc.main(["protoc", *plugins, *includes, *arguments]) != 0:
            raise RuntimeError("protoc failed; its messages are above")
    # Regular packages, so that tools which read imports can see them. Others' stubs may lie below
    # the output, too, in a virtual environment.
    for version in {proto.relative_to(PROTOS).parent for proto in PROTOS.rglob("*.proto")}:
        for package in (version, version.parent):
            name = ".".join(package.parts)
            (output / package / "__init__.py").write_text(
                f'"""Stubs of {name}, made by protos/generate.py."""\n'
            )


if __name__ == "__main__":
    generate(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else PROTOS.parent)
