"""A server of LibreTranslate's API: `/translate` and `/languages`."""

from collections.abc import Callable

from tests.engine_stubs.stub_server import Reply, Request, StubServer, json_reply

KEY = "libre-canary-key-81"
LANGUAGES = ("de", "en", "es")


class LibreTranslateStub(StubServer):
    """Wants a key; knows three languages."""

    def __init__(self, translate: Callable[[str], str] = lambda text: f"«{text}»") -> None:
        super().__init__()
        self._translate = translate

    def behave(self, request: Request) -> Reply:
        if request.path == "/languages":
            return json_reply([
                {"code": code, "name": code, "targets": list(LANGUAGES)} for code in LANGUAGES
            ])  # fmt: skip
        if request.path != "/translate":
            return Reply(404, body=b"{}")
        asked = request.json
        if asked.get("api_key") != KEY:
            return Reply(403, body=b'{"error": "Invalid API key"}')
        if asked["source"] not in LANGUAGES or asked["target"] not in LANGUAGES:
            return Reply(400, body=b'{"error": "not supported"}')
        return json_reply({"translatedText": [self._translate(text) for text in asked["q"]]})
