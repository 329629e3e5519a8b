"""Spanish: tú or usted where a verb's form shows it alone."""

import re

from translation_worker.tone.rules import Manner, each_word, opening, words

_TU_VERBS = {
    "eres": "es",
    "estás": "está",
    "tienes": "tiene",
    "puedes": "puede",
    "quieres": "quiere",
    "debes": "debe",
    "vas": "va",
    "sabes": "sabe",
    "necesitas": "necesita",
    "prefieres": "prefiere",
    "deseas": "desea",
    "usas": "usa",
    "utilizas": "utiliza",
    "haces": "hace",
    "ves": "ve",
    "has": "ha",
    "podías": "podía",
    "podrías": "podría",
    "deberías": "debería",
    "podrás": "podrá",
    "deberás": "deberá",
    "tendrás": "tendrá",
    "verás": "verá",
    "puedas": "pueda",
    "tengas": "tenga",
    "quieras": "quiera",
    "desees": "desee",
    "necesites": "necesite",
    "hayas": "haya",
    "estés": "esté",
    "seas": "sea",
}
_USTED_VERBS = {
    put: found
    for found, put in _TU_VERBS.items()
    if found in {"eres", "estás", "tienes", "puedes", "quieres", "debes", "necesitas", "sabes"}
}
# Not to do something: the form is the reader's alone.
_FORBIDDEN = (
    "abras|agregues|apagues|borres|cambies|cierres|confíes|dejes|desconectes|elimines|escribas|"
    "esperes|hagas|instales|intentes|modifiques|muevas|olvides|pongas|pulses|reinicies|toques|"
    "uses|utilices|vuelvas"
)
# Sure only after a please: "usa" is also "uses".
_IMPERATIVES = {
    "abre": "abra",
    "agrega": "agregue",
    "comprueba": "compruebe",
    "confirma": "confirme",
    "consulta": "consulte",
    "ejecuta": "ejecute",
    "elige": "elija",
    "escribe": "escriba",
    "especifica": "especifique",
    "espera": "espere",
    "ingresa": "ingrese",
    "intenta": "intente",
    "introduce": "introduzca",
    "prueba": "pruebe",
    "revisa": "revise",
    "selecciona": "seleccione",
    "usa": "use",
    "verifica": "verifique",
}
# A pronoun of one who is given something; of other verbs it could be `lo` or `se`.
_GIVING = (
    "agradecemos|ayuda|ayudará|da|dará|enviamos|enviaremos|gusta|gustaría|interesa|muestra|"
    "ofrece|ofrecemos|parece|pedimos|permite|permitirá|recomendamos|sugerimos"
)

FORMAL = Manner(
    wording=(
        opening(r"(?:un abrazo|abrazos|besos)(?=[,.!]?\s*$)", "Atentamente"),
        opening(r"chao|chau", "Hasta luego"),
    ),
    address=(
        words("haz (clic|doble clic)", r"haga \g<1>"),
        words("ten (en cuenta|cuidado|presente)", r"tenga \g<1>"),
        *(
            words(rf"por favor(,?) {found}", rf"por favor\g<1> {put}")
            for found, put in _IMPERATIVES.items()
        ),
        *(words(f"no {verb}", f"no {verb[:-1]}") for verb in _FORBIDDEN.split("|")),
        words(rf"te ({_GIVING})", r"le \g<1>"),
        words("tú", "usted"),
        *each_word(_TU_VERBS),
        *each_word({"tu": "su", "tus": "sus", "tuyo": "suyo", "tuya": "suya", "tuyos": "suyos"}),
        words("tuyas", "suyas"),
        words(r"(para|de|a|por|sin|sobre|en|hacia) ti", r"\g<1> usted"),
        words("contigo", "con usted"),
    ),
    # Other pronouns, verbs in a past of tú, and commands that no rule above knows.
    remains=re.compile(
        r"\b(?:te|ti|os|vosotr[oa]s|vuestr[oa]s?|haz|pon)\b"
        r"|\b\w{2,30}(?:(?:[aeiáéí]r|[aeá]ndo)te|[ai]ste|[áé]is)\b"
        r"|\b\w{1,30}[áéí]\w{1,3}[ae]l[oa]s?\b"
        rf"|\bpor favor,? (?!(?:{'|'.join(_IMPERATIVES.values())}|haga|tenga)\b)\w{{2,30}}[ae]\b",
        re.IGNORECASE,
    ),
)

INFORMAL = Manner(
    wording=(
        opening(
            r"(?:estimad[oa]s?|muy señor(?:es)? mío?s?|distinguid[oa]s?)"
            r"(?: (?:señor(?:es|as?)?|clientes?))?(?=[,:])",
            "Hola",
        ),
        opening(r"(?:atentamente|cordialmente)(?=[,.]?\s*$)", "Un abrazo"),
    ),
    address=(
        words(r"(?<!que )haga (clic|doble clic)", r"haz \g<1>"),
        words(r"(?<!que )tenga (en cuenta|cuidado|presente)", r"ten \g<1>"),
        *(words(f"usted {found}", f"tú {put}") for found, put in _USTED_VERBS.items()),
        words("(para|de|a|por|sin|sobre|en) usted", r"\g<1> ti"),
        words("con usted", "contigo"),
    ),
    # Whose `su` is, or whom `le` means, the words do not tell.
    remains=re.compile(
        r"\b(?:usted|ustedes|sus?|les?|se|consigo|suy[oa]s?)\b|\b\w{1,30}[aei]rse\b", re.IGNORECASE
    ),
)
