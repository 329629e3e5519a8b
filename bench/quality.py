"""Measures how well each route translates, beside the raw engines, and writes the routing table.

    python bench/quality.py [--texts N] [--hops 2] [--only en-es] [--json] [--table FILE]

BLEU and chrF (sacrebleu) in two domains, over the same texts for everybody. Exit 1 if a route
scores more than half a BLEU below what its engines reach by themselves, or if the routing table
would choose a route that measures worse than another one. `--table` writes the qualities of the
hops; the worker chooses routes by those in translation_worker/route_quality.json.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.corpora import Aligned, CorpusError, corpora, fetch, sample
from bench.quality_routes import Ours, Raw, best_by, hop_qualities, routes, scores
from bench.tables import table
from translation_worker.engines.registry import find_engines
from translation_worker.route_quality import RouteQuality
from translation_worker.routing import Hop, Route

# Of some two sentences each; more only make the run longer.
TEXTS = 100
ALLOWED_LOSS_BLEU = 0.5
# Two routes closer than this are as good as each other, on samples of this size.
TIE_BLEU = 1.0
MIN_TEXTS = 20
DATA = Path.home() / ".cache" / "babelmill" / "corpora"


@dataclass(frozen=True, slots=True)
class Measured:
    """One route in one domain; scores are from 0 to 100."""

    route: str
    domain: str
    texts: int
    bleu: float
    chrf: float
    raw_bleu: float
    raw_chrf: float
    kept_source: int
    seconds: float

    @property
    def loses(self) -> bool:
        """Whether the raw engines do better."""
        return self.bleu < self.raw_bleu - ALLOWED_LOSS_BLEU


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, and write the table if that is asked."""
    options = _options(arguments)
    try:
        fetch(options.data)
        texts = corpora(options.data)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return 2
    engines = find_engines(("bergamot", "apertium"), Path("/usr/share/apertium/modes"))
    try:
        measured: list[Measured] = []
        paths: dict[tuple[Hop, ...], list[Measured]] = {}
        ours, raw = Ours(engines), Raw()
        for route in routes(engines, options.hops):
            ends = (route.hops[0].pair.source, route.hops[-1].pair.target)
            if options.only and "-".join(ends) not in options.only:
                continue
            found = list(_measure(route, texts, options.texts, ours, raw))
            measured += found
            if found:
                paths[route.hops] = found
    finally:
        engines.close()
    bleu = {hops: sum(each.bleu for each in found) / len(found) for hops, found in paths.items()}
    qualities = hop_qualities(bleu)
    wrong = _wrong_choices(qualities, bleu)
    if options.json:
        rows = [asdict(each) for each in measured]
        print(json.dumps({"routes": rows, "wrong_choices": wrong}, indent=1))
    else:
        print(_text(measured, wrong))
    if options.table is not None:
        options.table.write_text(_table_json(qualities, paths, options.texts), encoding="utf-8")
    return 1 if wrong or any(each.loses for each in measured) else 0


def _measure(
    route: Route, texts: Mapping[str, Sequence[Aligned]], count: int, ours: Ours, raw: Raw
) -> list[Measured]:
    found: list[Measured] = []
    source, target = route.hops[0].pair.source, route.hops[-1].pair.target
    for domain, aligned in texts.items():
        pairs = sample(aligned, source, target, count)
        if len(pairs) < MIN_TEXTS:
            continue
        sources, references = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        start = time.perf_counter()
        translations, kept = ours.translate(route, sources)
        seconds = time.perf_counter() - start
        bleu, chrf = scores(translations, references)
        raw_bleu, raw_chrf = scores(raw.translate(route, sources), references)
        done = Measured(
            route=str(route),
            domain=domain,
            texts=len(pairs),
            bleu=round(bleu, 1),
            chrf=round(chrf, 1),
            raw_bleu=round(raw_bleu, 1),
            raw_chrf=round(raw_chrf, 1),
            kept_source=kept,
            seconds=round(seconds, 1),
        )
        found.append(done)
        print(f"{route} {domain}: {done.bleu} {done.raw_bleu}", file=sys.stderr, flush=True)
    return found


def _wrong_choices(
    qualities: Mapping[Hop, float], bleu: Mapping[tuple[Hop, ...], float]
) -> list[str]:
    """Return the pairs for which the table prefers a route that measures worse."""
    quality = RouteQuality({(hop.engine, hop.pair): value for hop, value in qualities.items()})
    complete = [path for path in bleu if all(hop in qualities for hop in path)]
    ends = sorted({(path[0].pair.source, path[-1].pair.target) for path in complete})
    wrong: list[str] = []
    for source, target in ends:
        chosen = best_by(quality, complete, source, target)
        best = max(
            bleu[path]
            for path in complete
            if (path[0].pair.source, path[-1].pair.target) == (source, target)
        )
        if bleu[chosen] < best - TIE_BLEU:
            wrong.append(
                f"{source}-{target}: {Route(chosen, 1.0)} at {bleu[chosen]:.1f} of {best:.1f}"
            )
    return wrong


def _text(measured: Sequence[Measured], wrong: Sequence[str]) -> str:
    header = ("route", "domain", "texts", "BLEU", "raw", "chrF", "raw", "kept")
    rows = [
        (
            each.route,
            each.domain,
            str(each.texts),
            f"{each.bleu:.1f}{' !' if each.loses else ''}",
            f"{each.raw_bleu:.1f}",
            f"{each.chrf:.1f}",
            f"{each.raw_chrf:.1f}",
            str(each.kept_source),
        )
        for each in measured
    ]
    return "\n".join([table(header, rows), *(f"wrong choice: {each}" for each in wrong)])


def _table_json(
    qualities: Mapping[Hop, float], paths: Mapping[tuple[Hop, ...], Sequence[Measured]], count: int
) -> str:
    rows = []
    for hop, quality in sorted(qualities.items(), key=lambda item: (item[0].engine, item[0].pair)):
        bleu = {each.domain: each.bleu for each in paths[(hop,)]}
        row = {
            "engine": hop.engine,
            "source": hop.pair.source,
            "target": hop.pair.target,
            "quality": quality,
            "bleu": bleu,
        }
        rows.append(f"    {json.dumps(row)}")
    about = f"written by bench/quality.py, {count} texts a route and domain"
    measured = ",\n".join(rows)
    return f'{{\n  "about": {json.dumps(about)},\n  "measured": [\n{measured}\n  ]\n}}\n'


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how well each route translates.")
    parser.add_argument("--texts", type=int, default=TEXTS, help="texts of a route and domain")
    parser.add_argument("--hops", type=int, default=3, choices=(2, 3), help="of a route, at most")
    parser.add_argument("--only", action="append", help="a pair to measure, such as en-es")
    parser.add_argument("--data", type=Path, default=DATA, help="where the texts are kept")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--table", type=Path, help="where to write the routing table")
    options = parser.parse_args(arguments)
    if options.table is not None and options.only:
        parser.error("a table of some pairs only would forget the others")
    return options


if __name__ == "__main__":
    sys.exit(main())
