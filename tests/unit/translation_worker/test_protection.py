"""What is literal is found whole, and prose is left alone."""

import time

import pytest

from translation_worker.protection import find_spans


def literals(text: str, language: str = "en", *, thorough: bool = False) -> list[str]:
    return [text[span.start : span.end] for span in find_spans(text, language, thorough=thorough)]


@pytest.mark.parametrize(
    "literal",
    [
        "{name}", "{0}", "{}", "{a.b[0]!r:>10}", "{{user.name}}", "{{ user.name }}", "{{{raw}}}",
        "{% if a %}", "{# note #}", "${VAR}", "$HOME", "$name$", "#{ruby}", "%{ruby}", "<%= erb %>",
        "$(command -v x)", "%s", "%d", "%1$s", "%-10.2f", "%(count)d", "%@", "%ld", "%%", "%1",
        "%PATH%", "{count, plural, one {# file} other {# files}}",
        "{gender, select, male {he} female {she} other {they}}",
        "https://example.com/a(b)?c=d&e=f#g", "http://localhost:8080", "www.example.org",
        "mailto:a@b.org", "ftp://x.y/z", "first.last+tag@sub.example.co.uk", "example.com",
        "/usr/local/bin", "./run.sh", "~/notes.txt", "C:\\Windows\\x.dll", "report-2.pdf",
        "&nbsp;", "&#8217;", "<br/>", "<img src=\"a.png\" alt=\"b c\">", "<!-- a note -->",
        "`code span`", "``a`b``", "<code>x = 1</code>", "os.path.join", "call()", "snake_case",
        "std::vector", "--verbose", "--mode=fast", "v1.2.3", "10.0.0.1", "0xFF", "deadbeef42",
        "123e4567-e89b-12d3-a456-426614174000", "Ctrl+C", "@someone", "#hashtag", "C++", "C#",
        ".NET", "日本語", "🙂", "→", "\\n", ":-)", "$$E=mc^2$$", "A" * 60,
    ],
)  # fmt: skip
def test_a_literal_is_found_whole_when_it_stands_in_a_sentence(literal: str) -> None:
    assert literals(f"Please see {literal} now.") == [literal]


@pytest.mark.parametrize(
    "prose",
    [
        "100% de desconto, 5% discount and 50 % off",
        "It costs $5 or $1,234.50 (and/or more).",
        "a < b and c > d, x<y",
        "{see the note below}",
        "Well-known self-made e-mail at 12:30 pm, 5-10 km/h, 24/7.",
        "I can't; it's the dog's. U.S.A. i.e. etc. Mr. Smith",
        "Rock & roll, R&D, AT&T",
        "Não é fácil, ñandú, Ærø, 1º e 2ª.",
        "Yes/no? Either... or!",
        "The cat (old) sat: here; there.",
    ],
)
def test_nothing_is_found_when_there_is_only_prose(prose: str) -> None:
    assert literals(prose) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See https://a.b/c. Then", ["https://a.b/c"]),
        ("(see https://a.b/c(d))", ["https://a.b/c(d)"]),
        ("“https://a.b/c”, yes", ["https://a.b/c"]),
        ("{name}'s file-{n}.txt", ["{name}", "file-{n}.txt"]),
        ("({name})", ["{name}"]),
        ("https://a.b/{id}/x", ["https://a.b/{id}/x"]),
        ("[the page](http://a.b \"t\")", ["[", "](http://a.b \"t\")"]),
        ("Copy <b>all</b>", ["<b>", "</b>"]),
        ("{a}{b}", ["{a}", "{b}"]),
    ],
)  # fmt: skip
def test_a_literal_ends_where_the_sentence_goes_on(text: str, expected: list[str]) -> None:
    assert literals(text) == expected


def test_letters_are_foreign_only_when_the_language_is_not_written_in_them() -> None:
    assert literals("мир и word", "ru") == []
    assert literals("the мир", "en") == ["мир"]


def test_numbers_and_emphasis_are_literal_when_the_search_is_thorough() -> None:
    text = "Pay **$1,234.50** by 3 pm, 50%"
    assert literals(text) == []
    assert literals(text, thorough=True) == ["**", "$1,234.50", "**", "3 pm", "50%"]


@pytest.mark.parametrize("text", ["{" * 20_000, "<" * 20_000, "`" * 20_000, "a@" * 10_000,
                                  "%" * 20_000, "[" * 20_000, "/a" * 10_000, "a." * 10_000,
                                  "<b>" * 5_000, "$a{" * 5_000, "{{" * 10_000, "a_" * 10_000,
                                  "www." * 5_000, "<!--" * 5_000, "\\(" * 10_000])  # fmt: skip
def test_the_search_takes_little_time_when_the_text_is_hostile(text: str) -> None:
    started = time.monotonic()
    find_spans(text, "en", thorough=True)
    assert time.monotonic() - started < 5
