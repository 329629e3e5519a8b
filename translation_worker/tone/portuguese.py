"""Portuguese: spoken short forms, and tu or você where a verb's form shows it alone."""

import re

from translation_worker.tone.rules import Manner, each_word, opening, words

_TU_VERBS = {
    "és": "é",
    "estás": "está",
    "tens": "tem",
    "podes": "pode",
    "queres": "quer",
    "deves": "deve",
    "vais": "vai",
    "sabes": "sabe",
    "precisas": "precisa",
    "preferes": "prefere",
    "desejas": "deseja",
    "gostas": "gosta",
    "usas": "usa",
    "fazes": "faz",
    "vês": "vê",
    "podias": "podia",
    "poderás": "poderá",
    "deverás": "deverá",
    "terás": "terá",
    "possas": "possa",
    "tenhas": "tenha",
    "queiras": "queira",
    "precises": "precise",
}
# Which of these is meant is sure only after a please: "abre" is also "opens".
_IMPERATIVES = {
    "abre": "abra",
    "clica": "clique",
    "confirma": "confirme",
    "envia": "envie",
    "escolhe": "escolha",
    "escreve": "escreva",
    "espera": "espere",
    "fecha": "feche",
    "instala": "instale",
    "introduz": "introduza",
    "lê": "leia",
    "seleciona": "selecione",
    "tenta": "tente",
    "usa": "use",
    "verifica": "verifique",
}
_SPOKEN = (
    *each_word({"pra": "para", "pras": "para as", "tá": "está", "tô": "estou", "cê": "você"}),
    *each_word({"tava": "estava", "vocês tão": "vocês estão", "né": "não é"}),
    opening("oi", "Olá"),
)

FORMAL = Manner(
    wording=(
        *_SPOKEN,
        opening(r"(?:abraços|beijos|um abraço)(?=[,.!]?\s*$)", "Atenciosamente"),
        opening(r"tchau", "Até logo"),
    ),
    address=(
        *(
            words(rf"por favor,? {found}", f"por favor, {put}")
            for found, put in _IMPERATIVES.items()
        ),
        words(r"clica (em|no|na|aqui|duas)", r"clique \g<1>"),
        words(r"tu(?= (?!cá)\w)", "você"),
        *each_word(_TU_VERBS),
        *each_word({"teu": "seu", "tua": "sua", "teus": "seus", "tuas": "suas"}),
        words(r"(para|de|a|por|sem|sobre|em) ti", r"\g<1> você"),
        words("contigo", "com você"),
    ),
    remains=re.compile(
        r"\b(?:te|ti|tu|vós|vos|vosso|vossa)\b|-te\b|\b\w{3,30}(?:aste|este|iste)\b", re.IGNORECASE
    ),
)

INFORMAL = Manner(
    wording=(
        opening(
            r"(?:prezad[oa]s?|estimad[oa]s?)(?: (?:senhor(?:es|as?)?|clientes?))?(?=[,:])", "Olá"
        ),
        opening(r"(?:atenciosamente|com os melhores cumprimentos)(?=[,.]?\s*$)", "Um abraço"),
        *each_word({"por gentileza": "por favor", "queira por favor": "por favor"}),
        words(
            r"(?<!d)(?:o senhor|a senhora)"
            r"(?= (?:é|está|tem|pode|quer|deve|vai|sabe|precisa|deseja)\b)",
            "você",
        ),
        words(
            r"(?:os senhores|as senhoras)"
            r"(?= (?:são|estão|têm|podem|querem|devem|vão|sabem|precisam|desejam)\b)",
            "vocês",
        ),
    ),
)

NEUTRAL = Manner(wording=_SPOKEN)
