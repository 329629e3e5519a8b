"""All terms that a job is to keep to, as the one document that its workers are given.

They are put together when the job is taken in: what becomes of a glossary
later changes nothing about the job, nor about a job that does it again.
"""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from job_service.application.ports import UnitOfWork
from job_service.application.translation_ports import Glossary
from job_service.domain.errors import GlossaryNotFound, InvalidRequest, Violation
from job_service.domain.spec import JobSpec, Translation, options_of
from job_service.domain.translation import GlossaryTerm, term_form

MOST_TERMS_BYTES = 1024 * 1024
"""So that they fit a message beside the longest text."""


def terms_document(
    uow: UnitOfWork, tenant_id: UUID, spec: JobSpec, parent_job_id: UUID | None, path: str
) -> bytes | None:
    """Return the job's terms as JSON, those given in its spec first; None if it has none.

    A job that does an earlier one again has that one's terms. Raises
    GlossaryNotFound, InvalidRequest.
    """
    options = options_of(spec)
    if options is None or not (options.glossary_ids or options.glossary_terms):
        return None
    if parent_job_id is not None:
        kept = uow.artifacts.glossary_of(parent_job_id)
        if kept is not None:
            return kept[0]
    where = f"{path}spec.{spec.kind}.options"
    terms = list(options.glossary_terms)
    for glossary in _find(uow, tenant_id, options.glossary_ids):
        _check_language(glossary, spec, f"{where}.glossary_ids")
        terms += _of_use(glossary.terms, spec)
    document = json.dumps(
        [term_form(term) for term in terms], ensure_ascii=False, separators=(",", ":")
    ).encode()
    if len(document) > MOST_TERMS_BYTES:
        raise InvalidRequest(
            Violation(
                f"{where}.glossary_ids",
                f"all terms together have more than {MOST_TERMS_BYTES} bytes",
                "TOO_LARGE",
            )
        )
    return document


def _find(uow: UnitOfWork, tenant_id: UUID, glossary_ids: Sequence[UUID]) -> list[Glossary]:
    found = uow.glossaries.find(tenant_id, glossary_ids) if glossary_ids else {}
    for glossary_id in glossary_ids:
        if glossary_id not in found:
            raise GlossaryNotFound(glossary_id=str(glossary_id))
    return [found[glossary_id] for glossary_id in glossary_ids]


def _check_language(glossary: Glossary, spec: JobSpec, field: str) -> None:
    source = spec.source_language if isinstance(spec, Translation) else ""
    if source and _primary(source) != _primary(glossary.source_language):
        raise InvalidRequest(
            Violation(
                field,
                f"the glossary is of {glossary.source_language}, the source of {source}",
                "WRONG_SOURCE_LANGUAGE",
            )
        )


def _of_use(terms: Iterable[GlossaryTerm], spec: JobSpec) -> list[GlossaryTerm]:
    """Leave out terms of languages that are not asked for."""
    wanted = {""} | {
        _primary(language)
        for language in (spec.target_languages if isinstance(spec, Translation) else ())
    }
    return [term for term in terms if _primary(term.target_language) in wanted]


def _primary(tag: str) -> str:
    return tag.partition("-")[0].casefold()
