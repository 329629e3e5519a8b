"""English: contractions, slang, and the openings and closings of letters."""

import re

from translation_worker.tone.rules import Manner, Rule, each_word, opening, words

_Q = r"['\u2019]"
_PRONOUN = "I|you|he|she|it|we|they"
_AUXILIARY = (
    "do|does|did|is|are|was|were|have|has|had|would|could|should|must|need|might"  # each with n't
)
# After these `'s` may be `has`, so it is left.
_PARTICIPLE = (
    r"(?:\w{1,30}(?:ed|en|wn)|been|got|had|made|done|gone|come|become|left|lost|sent|set|put|run)\b"
)

_SLANG = (
    *each_word({"gonna": "going to", "wanna": "want to", "yeah": "yes", "yep": "yes"}),
    *each_word({"nope": "no", "gimme": "give me", "lemme": "let me", "dunno": "do not know"}),
    words(rf"(I|you|we|they){_Q}ve gotta", r"\g<1> have to"),
    opening("hey|hi", "Hello"),
)

FORMAL = Manner(
    wording=(
        *_SLANG,
        words(rf"let{_Q}s", "let us"),
        words(rf"can{_Q}t ({_PRONOUN})", r"can \g<1> not"),
        words(rf"won{_Q}t ({_PRONOUN})", r"will \g<1> not"),
        words(rf"({_AUXILIARY})n{_Q}t ({_PRONOUN})", r"\g<1> \g<2> not"),
        words(rf"can{_Q}t", "cannot"),
        words(rf"won{_Q}t", "will not"),
        words(rf"shan{_Q}t", "shall not"),
        words(rf"({_AUXILIARY})n{_Q}t", r"\g<1> not"),
        words(rf"I{_Q}m", "I am"),
        words(rf"(you|we|they){_Q}re", r"\g<1> are"),
        words(rf"(I|you|we|they|who|there){_Q}ve", r"\g<1> have"),
        words(rf"({_PRONOUN}|that|there|this|who|what){_Q}ll", r"\g<1> will"),
        words(rf"({_PRONOUN}){_Q}d (like|love|prefer|rather)", r"\g<1> would \g<2>"),
        words(rf"({_PRONOUN}){_Q}d better", r"\g<1> had better"),
        words(
            rf"(it|he|she|that|there|here|what|who|where|how){_Q}s(?= \w)"
            rf"(?! (?:(?:\w{{1,30}}ly|already|also|always|just|never|not) )?{_PARTICIPLE})",
            r"\g<1> is",
        ),
        opening(r"thanks(?=[.,!]| for )", "Thank you"),
        opening(r"thanks a lot", "Thank you very much"),
        opening(r"cheers,", "Yours sincerely,"),
    )
)

_BEFORE_IS = r"(?= (?:a|an|the|not|my|your|our|going|\w+ing)\b)"
# A verb that is stressed, as at the end of a clause, is not contracted.
INFORMAL = Manner(
    wording=(
        words(r"cannot", "can't"),
        words(r"will not(?= \w)", "won't"),
        words(r"(do|does|did|is|are|was|were|would|could|should) not(?= \w)", r"\g<1>n't"),
        Rule(re.compile(rf"\bI am{_BEFORE_IS}"), "I'm"),
        words(rf"(you|we|they) are{_BEFORE_IS}", r"\g<1>'re"),
        words(rf"(it|he|she|that|there) is{_BEFORE_IS}", r"\g<1>'s"),
        words(r"(you|he|she|it|we|they) will(?= (?!not)[a-z])", r"\g<1>'ll"),
        Rule(re.compile(r"\bI will(?= (?!not)[a-z])"), "I'll"),
        words("let us(?= (?:go|see|look|start|begin|try|take|make|use)\\b)", "let's"),
        opening(r"dear (?:sir or madam|sirs?|madam)", "Hi"),
        opening(r"(?:hello|good (?:morning|afternoon|evening))(?=[,!.]| \w)", "Hi"),
        opening(r"thank you(?=[.,!]| for )", "Thanks"),
        opening(r"(?:yours (?:sincerely|faithfully|truly)|(?:kind|best) regards)(?=,|$)", "Cheers"),
    )
)

NEUTRAL = Manner(wording=_SLANG)
