"""argos-translate-files with Apertium as its engine, in an environment of its own.

    ENV/bin/python bench/peers/argos_files.py FILE

The engine is one persistent pipe, the fastest way to drive Apertium. Prints one line of JSON: the
seconds and the engine's calls. Only the standard library and argos-translate-files are imported.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

# mypy: ignore-errors
# What it drives is not installed where this is checked.
from argostranslate.translate import ITranslation, Language
from argostranslatefiles import argostranslatefiles

MODE = Path("/usr/share/apertium/modes/eng-spa.mode")


class Pipe(ITranslation):
    """English to Spanish through one Apertium pipe that is kept."""

    def __init__(self) -> None:
        self.from_lang, self.to_lang = Language("en", "English"), Language("es", "Spanish")
        self.calls = 0
        command = MODE.read_text().strip().replace("$1", "-g").replace("$2", "")
        # Each program flushes at a NUL.
        stages = [re.sub(r"^\s*(\S+)", r"\1 -z", stage) for stage in command.split("|")]
        self._process = subprocess.Popen(
            " | ".join(stages), shell=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def translate(self, input_text: str) -> str:
        self.calls += 1
        if not input_text.strip():
            return input_text
        escaped = re.sub(r"([\\\[\]{}^$/@<>])", r"\\\1", input_text.replace("\0", ""))
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{escaped}[][\n]\0".encode())
        self._process.stdin.flush()
        out = bytearray()
        while (piece := os.read(self._process.stdout.fileno(), 65536)) and piece[-1:] != b"\0":
            out += piece
        out += piece
        text = out.rstrip(b"\0").decode().removesuffix("[][\n]")
        return re.sub(r"\\(.)", r"\1", text).replace("*", "")

    def hypotheses(self, input_text: str, num_hypotheses: int = 4) -> list[object]:
        raise NotImplementedError


def main(path: str) -> None:
    pipe = Pipe()
    pipe.translate("Good morning.")
    pipe.calls = 0
    started = time.perf_counter()
    made = argostranslatefiles.translate_file(pipe, path)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "calls": pipe.calls, "output": str(made)}))


if __name__ == "__main__":
    main(sys.argv[1])
