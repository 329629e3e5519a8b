"""Assembles the `babelmill` command.

Markup is off everywhere: what users and the service write is text.
"""

import sys
from io import TextIOWrapper

import typer

from babelmill.cli.admin import admin
from babelmill.cli.artifacts import download, upload
from babelmill.cli.catalog import engines, formats, languages, presets
from babelmill.cli.glossaries import glossaries
from babelmill.cli.jobs import cancel, get, jobs, watch
from babelmill.cli.localize import localize
from babelmill.cli.queues import dead_letters, queues
from babelmill.cli.redrive import delete, retry
from babelmill.cli.subtitles import subtitles
from babelmill.cli.transcode import transcode
from babelmill.cli.translate import translate
from babelmill.cli.webhooks import webhooks

app = typer.Typer(
    name="babelmill",
    help=(
        "Translation and media jobs that survive the death of any process. The service is found "
        "by BABELMILL_GRPC and BABELMILL_TOKEN, or by .babelmill/env here or above."
    ),
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _command in (
    translate,
    transcode,
    localize,
    watch,
    jobs,
    get,
    cancel,
    retry,
    delete,
    queues,
    upload,
    download,
    languages,
    engines,
    formats,
    presets,
):
    app.command()(_command)
app.add_typer(subtitles, name="subtitles")
app.add_typer(glossaries, name="glossaries")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(webhooks, name="webhooks")
app.add_typer(admin, name="admin")


def main() -> None:
    """Run the command of this process's arguments."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its number instead.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    app()


if __name__ == "__main__":
    main()
