"""A server of the chat completions API, with a model that can misbehave in every known way."""

import json
from collections.abc import Callable, Sequence

from tests.engine_stubs.stub_server import Act, Reply, Request, StubServer, json_reply

Item = dict[str, object]
Model = Callable[[Sequence[Item]], object]


def upper_case(text: str) -> str:
    """What the well-behaved model does with a text: it can be seen, and literals survive it."""
    return f"«{text}»"


class ChatStub(StubServer):
    """Speaks `/v1/chat/completions`; counts tokens by words."""

    def __init__(self, translate: Callable[[str], str] = upper_case) -> None:
        super().__init__()
        self._translate = translate

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def batches(self) -> list[list[str]]:
        """The texts of every request."""
        return [[str(item["text"]) for item in items_of(request)] for request in self.posts()]

    def behave(self, request: Request) -> Reply:
        if request.method != "POST" or request.path != "/v1/chat/completions":
            return Reply(404, body=b"{}")
        items: list[Item] = [
            {"id": item["id"], "text": self._translate(str(item["text"]))}
            for item in items_of(request)
        ]
        return completion(request, json.dumps({"items": items}, ensure_ascii=False))


def items_of(request: Request) -> list[Item]:
    """The items that a request asks to translate."""
    items: list[Item] = json.loads(request.json["messages"][-1]["content"])["items"]
    return items


def completion(request: Request, content: object, *, finish_reason: str = "stop") -> Reply:
    """A chat completion with this content."""
    words = len(request.body.split()) + len(str(content).split())
    return json_reply({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content},
            "finish_reason": finish_reason,
        }],
        "usage": {"prompt_tokens": words, "completion_tokens": 0, "total_tokens": words},
    })  # fmt: skip


def answers(content: str | None, *, finish_reason: str = "stop") -> Act:
    """The model says exactly this."""
    return lambda request: completion(request, content, finish_reason=finish_reason)


def changes(model: Model) -> Act:
    """The model does this with its items; what comes out is sent as JSON."""

    def act(request: Request) -> Reply:
        done: list[Item] = [
            {"id": item["id"], "text": upper_case(str(item["text"]))} for item in items_of(request)
        ]
        return completion(request, json.dumps(model(done), ensure_ascii=False))

    return act


def says_the_key() -> Act:
    """The server echoes the credentials, in its error and in its headers."""

    def act(request: Request) -> Reply:
        key = request.headers.get("authorization", "")
        return Reply(401, {"X-Echo": key}, json.dumps({"error": {"message": key}}).encode())

    return act
