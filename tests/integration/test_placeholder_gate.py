"""Strings of real catalogues through every engine: each placeholder exact, or the string flagged.

What counts as a placeholder is judged here by its own patterns, not by those of the worker.
"""

import gettext
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from zlib import crc32

import pytest

from tests.engine_stubs.chat_stub import ChatStub
from tests.engine_stubs.deepl_stub import KEY as DEEPL_KEY
from tests.engine_stubs.deepl_stub import DeepLStub
from tests.engine_stubs.libretranslate_stub import KEY as LIBRE_KEY
from tests.engine_stubs.libretranslate_stub import LibreTranslateStub
from translation_worker.chain import Chains
from translation_worker.document import Segment, plain_text
from translation_worker.engines.apertium import ApertiumEngine
from translation_worker.engines.bergamot import BergamotEngine
from translation_worker.engines.brief import Brief, ChatModel
from translation_worker.engines.chat import ChatEngine
from translation_worker.engines.deepl import DeepLEngine
from translation_worker.engines.engine import Engine, LanguagePair
from translation_worker.engines.libretranslate import LibreTranslateEngine
from translation_worker.engines.registry import EngineRegistry
from translation_worker.segment_translation import SegmentTranslator
from translation_worker.sentence_translation import Way

MODES = Path("/usr/share/apertium/modes")
CATALOGUES = tuple(
    Path(f"/usr/share/locale/es/LC_MESSAGES/{name}.mo") for name in ("coreutils", "git")
)
PLACEHOLDER = re.compile(
    r"%(?:\d+\$)?[-+#0']*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|ll|[hlLqjzt])?[diouxXeEfFgGcsp]\b"
    r"|https?://[^\s<>\"')]+[^\s<>\"').,:;]"
    r"|(?<![\w-])--[a-z][a-z-]+"
    r"|<[a-z][a-z-]*>"
)


@cache
def catalogue_strings() -> tuple[str, ...]:
    """All strings with placeholders, in a fixed order that mixes the catalogues."""
    found: set[str] = set()
    for path in CATALOGUES:
        with path.open("rb") as file:
            # The class has no public way to list its strings.
            catalog: dict[object, str] = vars(gettext.GNUTranslations(file))["_catalog"]
        ids = [key[0] if isinstance(key, tuple) else key for key in catalog]
        found.update(key for key in ids if isinstance(key, str) and PLACEHOLDER.search(key))
    return tuple(sorted(found, key=lambda text: crc32(text.encode())))


def clumsy(text: str) -> str:
    """A translator that loses, doubles, moves or rewrites things, by the text's own digest."""
    words = text.split()
    fault = crc32(text.encode()) % 8
    if fault == 0:
        words = words[1:]
    elif fault == 1:
        words += words[-1:]
    elif fault == 2:
        words.reverse()
    elif fault == 3:
        words = [word.lower() for word in words]
    elif fault == 4:
        words = [re.sub(r"\d", "7", word) for word in words]
    elif fault == 5:
        words = [re.sub(r"([A-Z])(\d)", r"\1 \2", word) for word in words]
    return " ".join(words)


@pytest.fixture(scope="module")
def engines() -> Iterator[dict[str, Engine]]:
    with ExitStack() as stack:
        deepl = stack.enter_context(DeepLStub(clumsy))
        libre = stack.enter_context(LibreTranslateStub(clumsy))
        found: list[Engine] = [
            BergamotEngine(),
            DeepLEngine(DEEPL_KEY, url=deepl.url),
            LibreTranslateEngine(libre.url, LIBRE_KEY),
            ChatEngine(allowed_hosts=("127.0.0.1",)),
        ]
        if LanguagePair("pt", "es") in ApertiumEngine(MODES).direct_pairs():
            found.append(ApertiumEngine(MODES))
        yield {engine.name: engine for engine in found}
        for engine in found:
            engine.close()


def translate(
    engines: dict[str, Engine], names: Sequence[str], strings: Sequence[str]
) -> tuple[Counter[str], list[tuple[str, str]]]:
    """Return how the strings were translated, and those of which a placeholder is lost unsaid."""
    chains = Chains(EngineRegistry([engines[name] for name in names]))
    with ChatStub(clumsy) as stub:
        model = ChatModel(base_url=stub.base_url, model_name="clumsy", api_key="none")
        brief = Brief(chat_model=model if "chat" in names else None)
        chain = chains.open("en", "pt" if names == ["bergamot"] else "es", names, brief)
        translator = SegmentTranslator(chain, "en", "es", lambda: None)
        segments = [Segment(str(index), (text,)) for index, text in enumerate(strings)]
        done = translator.translate(segments)
    ways: Counter[str] = Counter(each.way for each in done)
    lost: list[tuple[str, str]] = []
    for source, each in zip(strings, done, strict=True):
        text = plain_text(each.content)
        same = Counter(PLACEHOLDER.findall(source)) == Counter(PLACEHOLDER.findall(text))
        if not same and each.way != Way.KEPT_SOURCE:
            lost.append((source, text))
    return ways, lost


@pytest.mark.parametrize("count", [150, pytest.param(2000, marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "names",
    [["bergamot"], ["apertium"], ["bergamot", "apertium"], ["deepl"], ["libretranslate"], ["chat"]],
    ids="+".join,
)
@pytest.mark.timeout(900)
def test_every_placeholder_is_exact_or_flagged_when_catalogues_are_translated(
    engines: dict[str, Engine], names: list[str], count: int
) -> None:
    if not all(path.exists() for path in CATALOGUES):
        pytest.skip("the catalogues of coreutils and git are not installed")
    if not set(names) <= set(engines):
        pytest.skip("Apertium's data for pt-es is not installed")
    strings = catalogue_strings()[:count]
    assert len(strings) == count
    ways, lost = translate(engines, names, strings)
    assert lost == []
    # An engine that was never asked, or never believed, would pass, too.
    assert ways[Way.KEPT_SOURCE] < count / 4
    assert ways[Way.MASKED] > count / 4
