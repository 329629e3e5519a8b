"""Measures translating through the whole service beside other ways to use the same engine.

    python bench/translate.py [--paragraphs N] [--rounds N] [--argos PYTHON] [--json]

Everybody translates the same English paragraphs of the Debian Administrator's Handbook into Spanish
with the Apertium of this machine, and some into Portuguese with the bundled engine, one after the
other in every round, and only ratios of one round count. The memory is off: it would answer from
the second round on. `--argos` is the Python of an environment with argos-translate-files, which has
files of its own kind to translate: Word, EPUB and PDF. What is not installed is left out and named.
Exit 1 if something was lost.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from babelmill.client import Client
from bench import translation_contestants as ways
from bench.corpora import MANUAL, CorpusError, corpora, fetch
from bench.machine import observe
from bench.quality import DATA
from bench.samples import Spread, paired_ratios
from bench.servers import running_servers
from bench.tables import table, with_range
from bench.translation_files import MAKERS, take_pages

RAW = "raw engine, two commands"
ONE_JOB = "Babelmill, one text"
MANY_JOBS = "Babelmill, a job each"
APY = "apertium-apy"
COMMAND = "a command each"
RAW_NEURAL = "raw neural engine, two processes"
NEURAL_JOB = "Babelmill, one text, neural"
# It takes some thirty times as long for a paragraph.
NEURAL_PARAGRAPHS = 150
# Starting the command takes longer than all the others together: it is given fewer.
COMMAND_SHARE = 0.05
WORKERS = 2

Contestants = Mapping[str, Callable[[Sequence[str]], float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _options(arguments)
    if shutil.which("apertium") is None:
        print("Apertium with eng-spa is not installed.", file=sys.stderr)
        return 2
    try:
        fetch(options.data)
        handbook = corpora(options.data)["handbook"]
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    texts = list(dict.fromkeys(text.texts["en"] for text in handbook if "en" in text.texts))
    paragraphs = texts[: options.paragraphs]
    before = observe()
    try:
        with running_servers() as servers:
            servers.start_databases()
            servers.start_job_service()
            servers.start_translation_worker(WORKERS)
            with Client(servers.grpc, servers.token) as client:
                rates = _rates(client, paragraphs, options.rounds)
                neural = _neural_rates(client, paragraphs[:NEURAL_PARAGRAPHS], options.rounds)
                manual = options.data / MANUAL
                files = _files(client, paragraphs, manual, options.rounds, options.argos)
    except ways.ContestantError as error:
        print(error, file=sys.stderr)
        return 1
    characters = sum(map(len, paragraphs))
    found = {name: paired_ratios(rates[name], rates[RAW]) for name in rates if name != RAW}
    if options.json:
        document = {
            "machine": before.to_json(),
            "paragraphs": len(paragraphs),
            "characters": characters,
            "characters_per_second": {**rates, **neural},
            "ratios_to_raw": {name: ratio.to_json() for name, ratio in found.items()},
            "files_seconds": files,
        }
        print(json.dumps(document, indent=2))
        return 0
    print(f"{before}\n{len(paragraphs)} paragraphs, {characters:,} characters, en-es\n")
    rows = [[name, with_range(ratio)] for name, ratio in found.items()]
    print(table(["characters a second, times the raw engine's", "ratio"], rows))
    if APY in rates:
        for name in (ONE_JOB, MANY_JOBS):
            ratio = paired_ratios(rates[name], rates[APY])
            print(f"{name}: {with_range(ratio)} times apertium-apy")
    for name in (ONE_JOB, MANY_JOBS):
        print(f"{name}: {with_range(paired_ratios(rates[name], rates[COMMAND]))} times {COMMAND}")
    ratio = paired_ratios(neural[NEURAL_JOB], neural[RAW_NEURAL])
    print(f"{NEURAL_JOB}: {with_range(ratio)} times the {RAW_NEURAL}, en-pt")
    _print_files(files)
    return 0


def _rates(client: Client, paragraphs: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Return characters a second of everybody, round by round."""
    few = paragraphs[: max(1, int(len(paragraphs) * COMMAND_SHARE))]
    contestants: dict[str, tuple[Callable[[Sequence[str]], float], Sequence[str]]] = {
        RAW: (ways.raw_engine, paragraphs),
        ONE_JOB: (lambda texts: ways.one_job(client, texts), paragraphs),
        MANY_JOBS: (lambda texts: ways.job_for_each(client, texts), paragraphs),
        COMMAND: (ways.command_for_each, few),
    }
    rates: dict[str, list[float]] = {name: [] for name in contestants}
    # The engines of every child are loaded.
    ways.one_job(client, paragraphs)

    def measure() -> None:
        for number in range(rounds):
            names = list(contestants)
            for name in names[::-1] if number % 2 else names:
                run, texts = contestants[name]
                rates[name].append(sum(map(len, texts)) / run(texts))

    if shutil.which("apertium-apy") is None:
        print("apertium-apy is not installed: left out", file=sys.stderr)
        measure()
        return rates
    with ways.running_apy() as address:
        contestants[APY] = (lambda texts: ways.apertium_apy(address, texts), paragraphs)
        rates[APY] = []
        measure()
    return rates


def _neural_rates(client: Client, paragraphs: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Return characters a second of the bundled engine, raw and through the service."""
    characters = sum(map(len, paragraphs))
    rates: dict[str, list[float]] = {RAW_NEURAL: [], NEURAL_JOB: []}
    with ways.running_raw_neural(paragraphs, WORKERS) as raw:

        def ours(texts: Sequence[str]) -> float:
            return ways.one_job(client, texts, "pt", "bergamot")

        ours(paragraphs)
        for number in range(rounds):
            order = [(RAW_NEURAL, raw), (NEURAL_JOB, ours)]
            for name, run in order[::-1] if number % 2 else order:
                rates[name].append(characters / run(paragraphs))
    return rates


def _files(
    client: Client, paragraphs: Sequence[str], manual: Path, rounds: int, argos: Path | None
) -> dict[str, dict[str, list[float]]]:
    """Return the seconds for each kind of file, round by round."""
    found: dict[str, dict[str, list[float]]] = {}
    with tempfile.TemporaryDirectory(prefix="babelmill-bench-files-") as folder:
        for kind, make in MAKERS.items():
            make(paragraphs[:150], Path(folder) / f"paragraphs.{kind}")
        take_pages(manual, Path(folder) / "manual.pdf")
        for path in sorted(Path(folder).iterdir()):
            ours, theirs = [], []
            for _ in range(rounds):
                ours.append(ways.document_job(client, path))
                if argos is not None:
                    theirs.append(ways.argos_files(argos, path)[0])
            found[path.name] = {"babelmill": ours, "argos-translate-files": theirs}
    return found


def _print_files(files: Mapping[str, Mapping[str, list[float]]]) -> None:
    rows: list[list[str]] = []
    for kind, seconds in files.items():
        theirs = seconds["argos-translate-files"]
        if theirs:
            ratio: Spread = paired_ratios(theirs, seconds["babelmill"])
            rows.append([kind, with_range(ratio)])
    if rows:
        print(table(["seconds of argos-translate-files, times Babelmill's", "ratio"], rows))
    else:
        print("argos-translate-files was not given: left out", file=sys.stderr)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--paragraphs", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--argos", type=Path, help="Python of argos-translate-files' environment")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
