"""`babelmill glossaries`: lists of terms that translations keep to."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.options import AsJson
from babelmill.cli.screen import moment, to_json
from babelmill.cli.session import session
from babelmill.client import translations
from babelmill.translation.v1 import glossary_pb2

_COLUMNS = ("source", "target", "target_language", "case_sensitive")
_YES = frozenset({"1", "true", "yes"})

glossaries = typer.Typer(
    help="List, show, make and delete glossaries.", no_args_is_help=True, rich_markup_mode=None
)

GlossaryId = Annotated[str, typer.Argument(metavar="GLOSSARY", help="The glossary's id.")]


@glossaries.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the glossaries by name; with --json one a line."""
    with session("glossaries.list") as run:
        found = run.client.glossaries()
        if as_json:
            for glossary in found:
                run.screen.result(to_json(glossary))
            return
        rows = [
            (
                glossary.glossary_id,
                glossary.display_name,
                glossary.source_language,
                str(glossary.term_count),
                moment(glossary.create_time),
            )
            for glossary in found
        ]
        run.screen.rows(("glossary", "name", "from", "terms", "created"), rows)


@glossaries.command()
def show(glossary: GlossaryId, as_json: AsJson = False) -> None:
    """Print a glossary's terms."""
    with session("glossaries.show") as run:
        found = run.client.get_glossary(glossary)
        if as_json:
            run.screen.result(to_json(found))
            return
        rows = [
            (term.source, term.target or "(kept)", term.target_language) for term in found.terms
        ]
        run.screen.rows(("source", "target", "language"), rows)


@glossaries.command()
def create(
    file: Annotated[Path, typer.Argument(metavar="CSV", exists=True, dir_okay=False)],
    name: Annotated[
        str, typer.Option("--name", "-n", help="Name for people; by default the file's.")
    ] = "",
    from_: Annotated[str, typer.Option("--from", "-f", metavar="LANG")] = "en",
    as_json: AsJson = False,
) -> None:
    """Make a glossary of a CSV file and print its id.

    Its first line names the columns: source, and any of target (empty: the
    term stays as it is), target_language and case_sensitive.
    """
    terms = list(_read_terms(file))
    with session("glossaries.create") as run:
        made = run.client.create_glossary(name or file.stem, from_, terms)
        run.screen.result(to_json(made) if as_json else made.glossary_id)


@glossaries.command()
def delete(glossary: GlossaryId) -> None:
    """Remove a glossary; jobs that were given it keep its terms."""
    with session("glossaries.delete") as run:
        run.client.delete_glossary(glossary)
        run.screen.note(f"glossary {glossary} is deleted")


def _read_terms(path: Path) -> Iterator[glossary_pb2.GlossaryTerm]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file, strict=True)
            columns = rows.fieldnames or ()
            if "source" not in columns or not set(columns) <= set(_COLUMNS):
                raise typer.BadParameter(f"{path}: the columns must be of {', '.join(_COLUMNS)}")
            for row in rows:
                if None in row:
                    raise typer.BadParameter(f"{path}: line {rows.line_num} has too many cells")
                yield translations.term(
                    row["source"] or "",
                    row.get("target") or "",
                    row.get("target_language") or "",
                    case_sensitive=(row.get("case_sensitive") or "").strip().lower() in _YES,
                )
    except (UnicodeDecodeError, csv.Error) as error:
        raise typer.BadParameter(f"{path} is no CSV in UTF-8") from error
