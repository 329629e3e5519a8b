"""A document from its bytes to its translations, through the handlers of all steps."""

import json
from pathlib import Path

import pytest

from babelmill.kit.worker.handler import FailureReason, StepFailure
from babelmill.translation.v1 import translation_pb2
from tests.unit.translation_worker.document_runs import DocumentRun, Kept, stored
from tests.unit.translation_worker.scripted_engine import ScriptedEngine
from translation_worker.engines.engine import EngineCapabilities

MARKDOWN = b"""# Hello world

Hello **red house**, see [Hello](https://a.b/c) and `Hello code`.

```
Hello code
```

- Hello {name}
"""


def greeting(text: str) -> str:
    return text.replace("Hello", "Ol\u00e1")


def test_only_words_change_when_a_document_is_translated(tmp_path: Path) -> None:
    outputs = DocumentRun(tmp_path, ScriptedEngine(greeting)).whole(MARKDOWN, "a.md")
    assert list(outputs) == ["a.pt.md", "report.json"]
    expected = """# Ol\u00e1 world

Ol\u00e1 **red house**, see [Ol\u00e1](https://a.b/c) and `Hello code`.

```
Hello code
```

- Ol\u00e1 {name}
"""
    assert outputs["a.pt.md"].decode() == expected


def test_the_report_counts_every_segment_when_a_document_is_translated(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda text: None if "red" in text else greeting(text))
    outputs = DocumentRun(tmp_path, engine).whole(b"Hello you.\n\nA red car.\n", "a.txt")
    assert outputs["a.pt.txt"].decode() == "Ol\u00e1 you.\n\nA red car.\n"
    report = json.loads(outputs["report.json"])
    assert report["segments"]["total"] == 2
    assert report["segments"]["kept_source"] == 1
    assert [each["id"] for each in report["kept_source"]] == ["p2"]
    assert report["routes"] == {"en -scripted-> pt": 1}
    assert "red" not in outputs["report.json"].decode()


def test_only_changed_segments_are_asked_when_a_document_has_changed(tmp_path: Path) -> None:
    memory = Kept()
    text = "".join(f"Hello number {index} of many.\n\n" for index in range(200))
    first = ScriptedEngine(greeting)
    before = DocumentRun(tmp_path / "1", first, memory=memory).whole(text.encode(), "a.txt")
    assert len(first.asked) == 200
    second = ScriptedEngine(greeting)
    changed = text.replace("number 7 of", "house 7 of")
    after = DocumentRun(tmp_path / "2", second, memory=memory).whole(changed.encode(), "a.txt")
    assert second.asked == ["Hello house 7 of many."]
    expected = before["a.pt.txt"].decode().replace("number 7 of", "house 7 of")
    assert after["a.pt.txt"].decode() == expected
    assert json.loads(after["report.json"])["segments"]["from_memory"] == 199


@pytest.mark.parametrize("changed", ["version", "tone", "glossary", "without"])
def test_memory_is_not_used_when_what_it_rests_on_has_changed(tmp_path: Path, changed: str) -> None:
    memory = Kept()
    DocumentRun(tmp_path / "1", ScriptedEngine(greeting), memory=memory).whole(b"Hello.", "a.txt")
    assert memory.entries
    engine = ScriptedEngine(greeting)
    run = DocumentRun(tmp_path / "2", engine, memory=memory)
    if changed == "version":
        engine.version = "2"
    elif changed == "tone":
        run.options.tone = translation_pb2.TONE_FORMAL
    elif changed == "glossary":
        run.glossary = b'[{"source": "Hello", "target": "Oi"}]'
    else:
        run.options.without_memory = True
        memory.entries.clear()
    run.whole(b"Hello you.", "a.txt")
    assert engine.asked
    assert (changed == "without") == (not memory.entries)


def test_damaged_memory_is_passed_over_when_it_is_recalled(tmp_path: Path) -> None:
    memory = Kept()
    run = DocumentRun(tmp_path / "1", ScriptedEngine(greeting), memory=memory)
    expected = run.whole(MARKDOWN, "a.md")
    for index, key in enumerate(list(memory.entries)):
        damage = [b"", b"[]", memory.entries[key][:-1], memory.entries[key].replace(b"1", b"9")]
        memory.entries[key] = damage[index % 4]
    again = DocumentRun(tmp_path / "2", ScriptedEngine(greeting), memory=memory)
    assert again.whole(MARKDOWN, "a.md")["a.pt.md"] == expected["a.pt.md"]


def test_terms_are_kept_to_when_there_is_a_glossary(tmp_path: Path) -> None:
    run = DocumentRun(tmp_path, ScriptedEngine(greeting))
    run.glossary = json.dumps(
        [
            {"source": "red house", "target": "casa rubra"},
            {"source": "world", "target": "mundo", "target_language": "pt"},
            {"source": "world", "target": "monde", "target_language": "fr"},
            {"source": "never", "target": "nunca"},
        ]
    ).encode()
    outputs = run.whole(MARKDOWN, "a.md")
    text = outputs["a.pt.md"].decode()
    assert "# Ol\u00e1 mundo\n" in text
    assert "**casa rubra**" in text
    assert json.loads(outputs["report.json"])["glossary"] == [
        {"source": "red house", "target": "casa rubra", "met": 1, "missed": 0},
        {"source": "world", "target": "mundo", "met": 1, "missed": 0},
    ]


def test_a_long_document_is_cut_into_no_more_chunks_than_allowed(tmp_path: Path) -> None:
    text = "".join(f"Hello number {index}.\n\n" for index in range(4000)).encode()
    run = DocumentRun(tmp_path, ScriptedEngine(greeting), max_chunks=3)
    chunks = run.extract(stored(text, "a.txt"))
    assert len(chunks) == 3
    assert run.extraction is not None
    assert sum(chunk.segments for chunk in run.extraction.chunks) == 4000
    sizes = [chunk.characters for chunk in run.extraction.chunks]
    assert max(sizes) < 1.1 * min(sizes)
    assert len(DocumentRun(tmp_path / "2", run.engine).extract(stored(text, "a.txt"))) > 3


@pytest.mark.parametrize(
    ("order", "chunks"),
    [
        ({}, 4),
        ({"engines": ["scripted"]}, 4),
        ({"engines": ["another"]}, 11),
        ({"has_chat_model": True}, 11),
        ({"target_languages": ["pt", "es"]}, 11),
        ({"source_language": ""}, 4),
    ],
)
def test_chunks_are_longer_when_all_engines_are_fast(
    order: dict[str, object], chunks: int, tmp_path: Path
) -> None:
    text = ("The mill stands by the river and grinds the words. " * 10 + "\n\n") * 240
    engine = ScriptedEngine(greeting)
    engine.capabilities = EngineCapabilities(characters_per_second=40_000)
    found = DocumentRun(tmp_path, engine).extract(stored(text.encode(), "a.txt"), **order)
    assert len(found) == chunks


@pytest.mark.parametrize(
    ("data", "filename", "order", "reason"),
    [
        (b"Hello.", "a.xyz", {}, FailureReason.UNSUPPORTED_FORMAT),
        (b"Hello.", "a.txt", {"format": "none"}, FailureReason.UNSUPPORTED_FORMAT),
        (b" \n--- \n", "a.txt", {}, FailureReason.EMPTY_TEXT),
        (b"Hello there.", "a.txt", {"max_characters": 5}, FailureReason.BUDGET_EXCEEDED),
        (b"x1 y2 z3 --- 17", "a.txt", {"source_language": ""}, FailureReason.LANGUAGE_UNKNOWN),
        (b"PK\x03\x04 nothing", "a.docx", {}, FailureReason.DOCUMENT_DAMAGED),
    ],
)
def test_a_document_is_refused_when_it_cannot_be_translated(
    tmp_path: Path, data: bytes, filename: str, order: dict[str, object], reason: FailureReason
) -> None:
    with pytest.raises(StepFailure) as failed:
        DocumentRun(tmp_path, ScriptedEngine(greeting)).extract(stored(data, filename), **order)
    assert failed.value.reason is reason
    assert not failed.value.retryable


def test_the_language_is_told_when_nobody_named_it(tmp_path: Path) -> None:
    text = b"The river rises and nobody in the village knows what to do about the old bridge."
    run = DocumentRun(tmp_path, ScriptedEngine(greeting), source_language="")
    run.extract(stored(text, "a.txt"))
    assert run.extraction is not None
    assert run.extraction.source_language == "en"
    assert run.extraction.language_confidence > 0.5


def test_the_step_fails_when_a_part_is_damaged(tmp_path: Path) -> None:
    run = DocumentRun(tmp_path, ScriptedEngine(greeting))
    original = stored(MARKDOWN, "a.md")
    (chunk,) = run.extract(original)
    done = run.translate(chunk)
    for damaged in (b"{}", done.replace(b'"open":1', b'"open":2'), done[:-5]):
        with pytest.raises(StepFailure) as failed:
            run.reconstruct(original, [chunk], [damaged])
        assert failed.value.reason is FailureReason.INPUT_DAMAGED
    with pytest.raises(StepFailure):
        run.reconstruct(original, [chunk], [])
    with pytest.raises(StepFailure):
        run.translate(b"[]")


def test_an_edited_twin_keeps_its_targets_when_it_is_translated_again(tmp_path: Path) -> None:
    engine = ScriptedEngine(lambda text: None if "code" in text else greeting(text))
    run = DocumentRun(tmp_path / "1", engine)
    run.twins.xliff = True
    twin = run.whole(b"Hello **red** {name}.\n\nSome code here.\n", "a.md")["a.pt.segments.xlf"]
    assert b"Ol\xc3\xa1" in twin
    edited = twin.replace(b"Ol\xc3\xa1", b"Oi, amigo")
    again = ScriptedEngine(lambda text: text.replace("code", "c\u00f3digo"))
    made = DocumentRun(tmp_path / "2", again).whole(edited, "a.xlf")["a.pt.xlf"]
    assert again.asked == ["Some code here."]
    assert b"Oi, amigo" in made
    assert "Some c\u00f3digo here." in made.decode()
    # Now everything is translated, and nothing is left to do.
    nobody = ScriptedEngine(lambda text: text)
    last = DocumentRun(tmp_path / "3", nobody).whole(made, "a.xlf")["a.pt.xlf"]
    assert last == made
    assert not nobody.asked
