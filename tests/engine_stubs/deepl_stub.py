"""A server of DeepL's API, version 2: `/v2/translate` and `/v2/languages`."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from tests.engine_stubs.stub_server import Reply, Request, StubServer, json_reply

KEY = "3f1c-deepl-canary-key:fx"
MAX_TEXTS = 50
MAX_BODY_BYTES = 128 * 1024
SOURCES = ("DE", "EN", "ES", "PT")
TARGETS = ("DE", "EN-GB", "EN-US", "ES", "PT-BR", "PT-PT")


class DeepLStub(StubServer):
    """Keeps to the documented limits, and refuses what DeepL refuses."""

    def __init__(self, translate: Callable[[str], str] = lambda text: f"«{text}»") -> None:
        super().__init__()
        self._translate = translate

    def behave(self, request: Request) -> Reply:
        if request.headers.get("authorization") != f"DeepL-Auth-Key {KEY}":
            return Reply(403, body=b'{"message": "Wrong key"}')
        address = urlsplit(request.path)
        if address.path == "/v2/languages":
            kind = parse_qs(address.query).get("type", ["source"])[0]
            codes = SOURCES if kind == "source" else TARGETS
            return json_reply([{"language": code, "name": code} for code in codes])
        if address.path != "/v2/translate":
            return Reply(404, body=b"{}")
        if len(request.body) > MAX_BODY_BYTES:
            return Reply(413, body=b"{}")
        asked = request.json
        # Plain EN and PT are outdated as targets, and were never variants of a source.
        if (
            len(asked["text"]) > MAX_TEXTS
            or asked["target_lang"] not in TARGETS
            or asked["source_lang"] not in SOURCES
            or asked.get("formality", "prefer_more") not in ("prefer_more", "prefer_less")
        ):
            return Reply(400, body=b'{"message": "Bad request"}')
        return json_reply({
            "translations": [
                {"detected_source_language": asked["source_lang"], "text": self._translate(text)}
                for text in asked["text"]
            ]
        })  # fmt: skip
