"""Announcements taken together."""

from dataclasses import replace
from uuid import UUID

import pytest

from job_service.domain.catalog import (
    Engine,
    Format,
    LanguagePair,
    RouteHop,
    WorkerAnnouncement,
)
from job_service.domain.errors import InvalidRequest
from job_service.domain.offer import check_offered, merge
from job_service.domain.spec import TranslateDocument, TranslateText, Translation
from job_service.domain.translation import ChatModel, TranslationOptions

DIRECT = LanguagePair("en", "pt", (RouteHop("bergamot", "en", "pt"),))
PIVOT = LanguagePair(
    "en", "pt", (RouteHop("apertium", "en", "es"), RouteHop("apertium", "es", "pt"))
)


def _said(*pairs: LanguagePair, version: str = "1") -> WorkerAnnouncement:
    return WorkerAnnouncement(
        worker_id=f"w{version}",
        service="translation_worker",
        version=version,
        step_kinds=("translate_text",),
        engines=(Engine("bergamot", version),),
        pairs=pairs,
    )


@pytest.mark.parametrize("order", [(DIRECT, PIVOT), (PIVOT, DIRECT)])
def test_shortest_route_is_kept_when_workers_differ(order: tuple[LanguagePair, ...]) -> None:
    assert merge(_said(pair) for pair in order).pairs == {("en", "pt"): DIRECT}


def test_newest_description_is_kept_when_workers_differ() -> None:
    offer = merge([_said(version="2"), _said(version="1")])
    assert offer.engines["bergamot"].version == "2"


def test_long_lists_are_cut_when_they_go_into_an_error() -> None:
    pairs = [LanguagePair("en", f"language-{number:05}") for number in range(2000)]
    with pytest.raises(InvalidRequest) as refused:
        check_offered(TranslateText("en", ("xx",), text="x"), merge([_said(*pairs)]))
    listed = refused.value.metadata["pairs"]
    assert len(listed) <= 4010
    assert listed.endswith(", …")


@pytest.mark.parametrize(("source", "target"), [("en-GB", "pt-BR"), ("EN", "PT"), ("en", "pt")])
def test_regional_tag_is_covered_when_its_language_is(source: str, target: str) -> None:
    offer = merge([_said(LanguagePair("en", "pt", ()))])
    check_offered(TranslateText(source, (target,), text="x"), offer)


@pytest.mark.parametrize(("source", "target"), [("en", "es"), ("enx", "pt"), ("pt", "en")])
def test_pair_is_refused_when_only_its_spelling_is_near(source: str, target: str) -> None:
    offer = merge([_said(LanguagePair("en", "pt", ()))])
    with pytest.raises(InvalidRequest):
        check_offered(TranslateText(source, (target,), text="x"), offer)


def _chatty(*, needs_chat_model: bool) -> WorkerAnnouncement:
    return WorkerAnnouncement(
        worker_id="w2",
        service="translation_worker",
        version="2",
        step_kinds=("translate_text", "extract"),
        engines=(
            Engine("bergamot"),
            Engine("chat", any_pair=True, needs_chat_model=needs_chat_model),
        ),
        pairs=(DIRECT,),
        formats=(Format("docx", extensions=(".docx",)),),
    )


def _text(*engines: str, model: bool = False, target: str = "xx") -> TranslateText:
    chat_model = ChatModel("https://a.example", "m") if model else None
    options = TranslationOptions(engines=engines, chat_model=chat_model)
    return TranslateText("en", (target,), text="x", options=options)


@pytest.mark.parametrize(
    ("spec", "needs_model"),
    [
        (_text("chat"), False),
        (_text(), False),
        (_text("chat", model=True), True),
        (_text(model=True), True),
        (_text("bergamot", target="pt"), True),
        (replace(_text(target="pt"), source_language=""), True),
    ],
)
def test_any_pair_is_taken_when_an_engine_that_may_be_used_takes_it(
    spec: TranslateText, needs_model: bool
) -> None:
    check_offered(spec, merge([_chatty(needs_chat_model=needs_model)]))


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (_text("bergamot"), "UNSUPPORTED_LANGUAGE_PAIR"),
        (_text(), "UNSUPPORTED_LANGUAGE_PAIR"),
        (_text("chat"), "CHAT_MODEL_REQUIRED"),
        (_text("bergamot", "deepl", target="pt"), "UNSUPPORTED_ENGINE"),
        (
            TranslateDocument(
                artifact_id=UUID(int=1),
                source_language="en",
                target_languages=("pt",),
                format="doc",
            ),
            "UNSUPPORTED_FORMAT",
        ),
    ],
)
def test_spec_is_refused_when_no_worker_can_do_it(spec: Translation, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_offered(spec, merge([_chatty(needs_chat_model=True)]))
    assert [violation.reason for violation in caught.value.violations] == [reason]
