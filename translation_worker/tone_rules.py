"""Tone rules: shows the words of a translation to the rules of its language, and only those."""

from translation_worker.engines.brief import Term
from translation_worker.glossary import Glossary
from translation_worker.protection import find_spans
from translation_worker.tone.adapting import adapt


class ToneRules:
    """Gives texts of one language a tone; literals and terms of a glossary stay as they are."""

    def __init__(self, language: str, tone: str, glossary: Glossary) -> None:
        self._language = language
        self._tone = tone
        self._kept = Glossary(
            Term(term.target or term.source, "", term.case_sensitive) for term in glossary.terms
        )

    def adapt(self, text: str) -> str:
        """Return a text in the tone. Raises StepFailure UNSUPPORTED_TONE."""
        fixed = [(span.start, span.end) for span in find_spans(text, self._language)]
        fixed += [(spot.start, spot.end) for spot in self._kept.find(text)]
        pieces: list[str] = []
        position = 0
        for start, end in sorted(fixed):
            if start >= position:
                pieces += [self._words(text[position:start]), text[start:end]]
                position = end
            elif end > position:
                pieces.append(text[position:end])
                position = end
        return "".join([*pieces, self._words(text[position:])])

    def _words(self, text: str) -> str:
        return adapt(text, self._language, self._tone).text
