"""`babelmill translate`: a text, a file, an address, records, or what comes on stdin."""

from pathlib import Path
from typing import Annotated

import typer

from babelmill.cli.exit_codes import code_of_job
from babelmill.cli.following import follow, tell_failures
from babelmill.cli.options import (
    AsJson,
    Labels,
    Priority,
    RequestId,
    Wait,
    parse_labels,
    parse_priority,
)
from babelmill.cli.screen import to_json
from babelmill.cli.session import Session, session
from babelmill.cli.translation_options import (
    ChatKeyFile,
    ChatModelName,
    ChatUrl,
    Domain,
    Engines,
    GlossaryIds,
    MaxCharacters,
    MaxTokens,
    Terms,
    ToneWord,
    WithoutMemory,
    read_options,
    split_words,
)
from babelmill.cli.translation_order import Order
from babelmill.cli.translation_results import print_texts, write_documents, write_texts
from babelmill.cli.translation_sources import Source, SourceKind, read_source
from babelmill.jobs.v1 import job_pb2


def translate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="TEXT|FILE|URL|-", help="A text, an existing file, an address, or - (stdin)."
        ),
    ],
    to: Annotated[
        list[str],
        typer.Option("--to", "-t", metavar="LANG", help="Language to make; repeatable."),
    ],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            "-f",
            metavar="LANG",
            help="Default: en for a text, else detected; auto detects.",
        ),
    ] = None,
    engine: Engines = None,
    tone: ToneWord = "",
    domain: Domain = "",
    chat_url: ChatUrl = "",
    chat_model: ChatModelName = "",
    chat_key_file: ChatKeyFile = None,
    glossary: GlossaryIds = None,
    term: Terms = None,
    max_characters: MaxCharacters = 0,
    max_tokens: MaxTokens = 0,
    without_memory: WithoutMemory = False,
    file_format: Annotated[
        str, typer.Option("--format", metavar="NAME", help="As `babelmill formats` tells.")
    ] = "",
    bilingual: Annotated[
        bool, typer.Option("--bilingual", help="Also make an HTML page of both languages.")
    ] = False,
    xliff: Annotated[bool, typer.Option("--xliff", help="Also make an XLIFF 2.0 file.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Also download what tells of every segment.")
    ] = False,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="NAME", help="Translate this field of JSON records."),
    ] = None,
    keep_code: Annotated[
        bool, typer.Option("--keep-code", help="Leave code in records as it is.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write the files here."),
    ] = None,
    priority: Priority = "normal",
    label: Labels = None,
    request_id: RequestId = None,
    wait: Wait = True,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
) -> None:
    """Translate a text to stdout, or a document, page or records to files.

    A file whose name does not end in .txt is a document: its translations are
    written to --output, by default here, looking like the original. Progress
    goes to stderr.

    Exit codes: 0 every language is done, 1 not all of them succeeded (see
    stderr), 2 wrong usage, 3 the service cannot be reached, 4 it refused, 130
    Ctrl-C (the job goes on).
    """
    order = Order(
        targets=split_words(to),
        source_language=from_,
        options=read_options(
            engines=engine,
            tone=tone,
            domain=domain,
            chat_url=chat_url,
            chat_model=chat_model,
            chat_key_file=chat_key_file,
            glossaries=glossary,
            terms=term,
            max_characters=max_characters,
            max_tokens=max_tokens,
            without_memory=without_memory,
        ),
        document_format=file_format,
        bilingual=bilingual,
        xliff=xliff,
        fields=split_words(field),
        keep_code=keep_code,
        priority=parse_priority(priority),
        request_id=request_id,
        labels=parse_labels(label),
    )
    with session("translate") as run:
        given = read_source(source, fields=order.fields, as_document=order.is_for_documents)
        job = order.submit(run, given)
        if not wait:
            run.screen.result(to_json(job) if as_json else job.job_id)
            return
        job = follow(run, job.job_id)
        _deliver(run, job, given, output, reports=report, force=force, quiet=as_json)
        if as_json:
            run.screen.result(to_json(job))
        tell_failures(run, job)
        raise typer.Exit(code_of_job(job))


def _deliver(
    run: Session,
    job: job_pb2.Job,
    given: Source,
    output: Path | None,
    *,
    reports: bool,
    force: bool,
    quiet: bool,
) -> None:
    if given.kind is not SourceKind.TEXT:
        paths = write_documents(run, job, output or Path(), reports=reports, force=force)
    elif output is not None:
        paths = write_texts(run, job, output, given.stem, given.suffix, force=force)
    else:
        if not quiet:
            print_texts(run, job)
        return
    for path in paths:
        if not quiet:
            run.screen.result(str(path))
