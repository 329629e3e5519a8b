"""`babelmill languages`, `engines` and `presets`: what can be asked for."""

from typing import Annotated

import typer

from babelmill.cli.options import AsJson
from babelmill.cli.screen import to_json
from babelmill.cli.session import session


def languages(
    from_: Annotated[str, typer.Option("--from", "-f", metavar="LANG")] = "",
    as_json: AsJson = False,
) -> None:
    """List the language pairs that can be translated now; with --json one a line."""
    with session("languages") as run:
        pairs = run.client.languages(from_)
        if as_json:
            for pair in pairs:
                run.screen.result(to_json(pair))
            return
        rows = [
            (
                pair.source_language,
                pair.target_language,
                " > ".join(f"{hop.engine} {hop.target_language}" for hop in pair.hops),
            )
            for pair in pairs
        ]
        run.screen.rows(("from", "to", "route"), rows)


def engines(as_json: AsJson = False) -> None:
    """List the translation engines at hand; with --json one a line."""
    with session("engines") as run:
        found = run.client.engines()
        if as_json:
            for engine in found:
                run.screen.result(to_json(engine))
            return
        rows = [(engine.name, engine.version, engine.description) for engine in found]
        run.screen.rows(("engine", "version", "description"), rows)


def presets(as_json: AsJson = False) -> None:
    """List the media presets at hand; with --json one a line."""
    with session("presets") as run:
        found = run.client.presets()
        if as_json:
            for preset in found:
                run.screen.result(to_json(preset))
            return
        rows = [(preset.name, preset.media_type, preset.description) for preset in found]
        run.screen.rows(("preset", "media type", "description"), rows)
