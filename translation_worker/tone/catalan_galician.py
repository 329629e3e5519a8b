"""Catalan and Galician: from tu to vostè, and from ti to vostede."""

import re

from translation_worker.tone.rules import Manner, each_word, words

CATALAN_FORMAL = Manner(
    address=(
        words("fes (clic|doble clic)", r"feu \g<1>"),
        *each_word({"ets": "és", "estàs": "està", "tens": "té", "pots": "pot", "vols": "vol"}),
        *each_word(
            {"saps": "sap", "has": "ha", "necessites": "necessita", "prefereixes": "prefereix"}
        ),
        *each_word({"podràs": "podrà", "hauràs": "haurà", "puguis": "pugui", "vulguis": "vulgui"}),
        *each_word({"teu": "seu", "teva": "seva", "teus": "seus", "teves": "seves"}),
        words("(amb|per a|de|a|sense|sobre) tu", r"\g<1> vostè"),
        words("tu", "vostè"),
    ),
    remains=re.compile(
        r"\b(?:et|us|vosaltres|vostre|vostra)\b|\bt['\u2019]|['\u2019-]te?\b", re.IGNORECASE
    ),
)

GALICIAN_FORMAL = Manner(
    address=(
        *each_word({"estás": "está", "tes": "ten", "podes": "pode", "queres": "quere"}),
        *each_word({"debes": "debe", "vas": "vai", "sabes": "sabe", "precisas": "precisa"}),
        *each_word({"poderás": "poderá", "deberás": "deberá", "terás": "terá", "poidas": "poida"}),
        *each_word({"teu": "seu", "túa": "súa", "teus": "seus", "túas": "súas"}),
        words("(para|de|a|por|sen|sobre) ti", r"\g<1> vostede"),
        words("contigo", "con vostede"),
        words("ti", "vostede"),
    ),
    remains=re.compile(
        r"\b(?:te|che|es|vós|vos|voso|vosa)\b|\b\w{1,30}(?:arte|erte|irte|arche)\b", re.IGNORECASE
    ),
)
