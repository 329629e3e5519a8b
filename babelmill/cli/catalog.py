"""`babelmill languages`, `engines`, `formats` and `presets`: what can be asked for."""

from typing import Annotated

import typer

from babelmill.cli.options import AsJson
from babelmill.cli.screen import to_json
from babelmill.cli.session import session
from babelmill.translation.v1 import translation_pb2


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
        rows = [
            (engine.name, engine.version, engine.description, _abilities(engine))
            for engine in found
        ]
        run.screen.rows(("engine", "version", "description", "abilities"), rows)


def formats(as_json: AsJson = False) -> None:
    """List the formats of documents that can be translated; with --json one a line."""
    with session("formats") as run:
        found = run.client.formats()
        if as_json:
            for each in found:
                run.screen.result(to_json(each))
            return
        rows = [(each.name, " ".join(each.extensions), each.description) for each in found]
        run.screen.rows(("format", "extensions", "description"), rows)


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


def _abilities(engine: translation_pb2.Engine) -> str:
    told = {
        "any pair": engine.any_pair,
        "needs a chat model": engine.needs_chat_model,
        "glossary": engine.keeps_glossary,
        "tone": engine.sets_tone,
        "paid": engine.costs_money,
    }
    return ", ".join(word for word, holds in told.items() if holds)
