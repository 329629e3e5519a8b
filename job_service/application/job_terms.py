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
from job_service.domain.translation import GlossaryTerm, TranslationOptions, term_form

MOST_TERMS_BYTES = 1024 * 1024
"""So that they fit a message beside the longest text."""

MOST_TERMS_BYTES_OF_ALL = 16 * 1024 * 1024
"""Of all jobs that are taken in together, as each has a copy of its own."""


class JobTerms:
    """Puts together the terms of jobs that one transaction takes in."""

    def __init__(self, uow: UnitOfWork, tenant_id: UUID) -> None:
        self._uow = uow
        self._tenant_id = tenant_id
        self._glossaries: dict[UUID, Glossary] = {}
        self._room = MOST_TERMS_BYTES_OF_ALL

    def document(self, spec: JobSpec, parent_job_id: UUID | None, path: str) -> bytes | None:
        """Return a job's terms as JSON, those given in its spec first; None if it has none.

        A job that does an earlier one again has that one's terms. Raises
        GlossaryNotFound, InvalidRequest.
        """
        options = options_of(spec)
        if options is None or not (options.glossary_ids or options.glossary_terms):
            return None
        document = self._kept(parent_job_id)
        if document is None:
            document = self._composed(spec, options, path)
        self._room -= len(document)
        if len(document) > MOST_TERMS_BYTES or self._room < 0:
            most = MOST_TERMS_BYTES if self._room >= 0 else MOST_TERMS_BYTES_OF_ALL
            raise InvalidRequest(
                Violation(
                    f"{path}spec.{spec.kind}.options.glossary_ids",
                    f"all terms together have more than {most} bytes",
                    "TOO_LARGE",
                )
            )
        return document

    def _kept(self, parent_job_id: UUID | None) -> bytes | None:
        if parent_job_id is None:
            return None
        kept = self._uow.artifacts.glossary_of(parent_job_id)
        return None if kept is None else kept[0]

    def _composed(self, spec: JobSpec, options: TranslationOptions, path: str) -> bytes:
        terms = list(options.glossary_terms)
        for glossary in self._find(options.glossary_ids):
            _check_language(glossary, spec, f"{path}spec.{spec.kind}.options.glossary_ids")
            terms += _of_use(glossary.terms, spec)
        forms = [term_form(term) for term in terms]
        return json.dumps(forms, ensure_ascii=False, separators=(",", ":")).encode()

    def _find(self, glossary_ids: Sequence[UUID]) -> list[Glossary]:
        unread = [each for each in glossary_ids if each not in self._glossaries]
        if unread:
            self._glossaries |= self._uow.glossaries.find(self._tenant_id, unread)
        for glossary_id in glossary_ids:
            if glossary_id not in self._glossaries:
                raise GlossaryNotFound(glossary_id=str(glossary_id))
        return [self._glossaries[glossary_id] for glossary_id in glossary_ids]


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
