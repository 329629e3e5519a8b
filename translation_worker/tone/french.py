"""French: from tu to vous; the way back is closed, for vous is also the plural."""

import re

from translation_worker.tone.rules import Manner, Rule, each_word, opening, words

_TU_VERBS = {
    "as": "avez",
    "auras": "aurez",
    "es": "êtes",
    "seras": "serez",
    "peux": "pouvez",
    "pourras": "pourrez",
    "dois": "devez",
    "devras": "devrez",
    "veux": "voulez",
    "vas": "allez",
    "sais": "savez",
    "fais": "faites",
    "vois": "voyez",
    "souhaites": "souhaitez",
    "utilises": "utilisez",
    "trouves": "trouvez",
    "trouveras": "trouverez",
}
_ARTICLE = r"(?<!\ble )(?<!\bun )(?<!\bdu )(?<!\bce )(?<!\bde )"

FORMAL = Manner(
    wording=(
        opening(r"salut|coucou", "Bonjour"),
        opening(r"(?:bises|bisous|à plus|à\+)(?=[,.!]?\s*$)", "Cordialement"),
        *each_word({"ouais": "oui"}),
    ),
    address=(
        words("s['\u2019]il te plaît", "s'il vous plaît"),
        *(words(f"tu {found}", f"vous {put}") for found, put in _TU_VERBS.items()),
        *(
            words(f"tu (ne|n['\u2019]) ?{found}", f"vous \\g<1> {put}")
            for found, put in _TU_VERBS.items()
            if found[0] not in "aeê"
        ),
        words(_ARTICLE + "ton", "votre"),
        *each_word({"ta": "votre", "tes": "vos"}),
        words("(avec|pour|à|chez|de|sans|vers) toi", r"\g<1> vous"),
        words("te", "vous"),
        Rule(re.compile(r"\bt['\u2019](?=\w)", re.IGNORECASE), "vous "),
    ),
    remains=re.compile(r"\b(?:tu|toi|tien|tienne|tiens|tiennes)\b", re.IGNORECASE),
)
