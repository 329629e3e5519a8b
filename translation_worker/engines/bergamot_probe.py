"""Bergamot probe: loads and tries both models, in a process that ends at once.

A crash of the native code ends the probe and not the worker.
"""

import sys

from translation_worker.engines.bergamot import BergamotEngine
from translation_worker.engines.engine import EngineError


def main() -> int:
    """Return 0 if every direction loads and passes its smoke test, else 1."""
    engine = BergamotEngine()
    try:
        for pair in engine.direct_pairs():
            engine.translate([], pair, lambda: None)
    except EngineError:
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
