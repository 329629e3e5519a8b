"""Content streams: finds the text-showing operators of a page, and takes some of them out.

Every other operator stays as it was, so what is not translated cannot change. The operators are
numbered in the order in which they draw, through the forms, as `reading` numbers what PDFium found;
if the two do not count alike, the page is not understood and must not be edited. See ADR 006.
"""

import zlib
from collections.abc import Sequence, Set
from dataclasses import dataclass, field

import pikepdf
from pikepdf import Dictionary, Name, Object, Operator, Stream

from translation_worker.formats.pdf.page_text import Run

Operands = Sequence[Object]
_MAX_FORM_DEPTH = 16
_SHOWING = frozenset({"Tj", "TJ", "'", '"'})
_ENDING_WITH_TEXT = frozenset({"BT", "ET", "Td", "TD", "Tm", "T*", "Tj", "TJ"})
_POSITIONING = frozenset({"Td", "TD", "Tm", "T*", "'", '"', "BT", "ET"})


@dataclass(frozen=True, slots=True)
class TextState:
    """The text state that an operator draws with (PDF 32000-1, 9.3), without the position."""

    font: Object | None = None
    font_size: float = 0.0
    char_space: float = 0.0
    word_space: float = 0.0


@dataclass(frozen=True, slots=True)
class Show:
    """One text-showing operator: its strings as for TJ, and the state it draws with.

    PDFium places text where its first glyph is: `lead` is the shift before that, in thousandths of
    the font size, which `strings` is without.
    """

    strings: tuple[Object | float, ...]
    state: TextState
    lead: float = 0.0


@dataclass(slots=True)
class Layer:
    """The operators of a page or of a form; which of them show text, and which draw forms."""

    operators: list[tuple[Operands, str]]
    shows: dict[int, int] = field(default_factory=dict)
    forms: dict[int, "FormUse"] = field(default_factory=dict)
    resources: Object | None = None
    unbalanced: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class FormUse:
    """A form where it is drawn."""

    stream: Stream
    layer: Layer


@dataclass(frozen=True, slots=True)
class Removal:
    """Which texts are taken out, and where every text of the page is."""

    numbers: Set[int]
    runs: Sequence[Run]
    shows: Sequence[Show]


class ContentNotUnderstood(Exception):
    """The content of a page is damaged or nested too deeply to be edited."""


class PageContent:
    """The content of one page, ready for editing. Raises ContentNotUnderstood."""

    def __init__(self, page: pikepdf.Page) -> None:
        self.shows: list[Show] = []
        self._page = page
        try:
            self.layer = self._scan(page, page.obj.get("/Resources"), TextState(), 0)
        except (pikepdf.PdfError, UnicodeDecodeError) as error:
            # Names need not be UTF-8, but pikepdf reads no others.
            raise ContentNotUnderstood from error

    def without(
        self, pdf: pikepdf.Pdf, numbers: Set[int], runs: Sequence[Run]
    ) -> tuple[bytes, Dictionary]:
        """Return the page's operators without some that show text, and its XObject resources."""
        forms: dict[str, Object] = {}
        data = _written(pdf, self.layer, Removal(numbers, runs, self.shows), forms)
        before, after = self.layer.unbalanced
        # Whatever the page leaves open is closed, so that what is drawn after starts afresh.
        data = b"q " * (1 + before) + data + b"\n" + b"Q " * (1 + after)
        return data, Dictionary(forms)

    def _scan(
        self, source: Object | pikepdf.Page, resources: Object | None, state: TextState, depth: int
    ) -> Layer:
        if depth > _MAX_FORM_DEPTH:
            raise ContentNotUnderstood
        parsed = pikepdf.parse_content_stream(source)
        layer = Layer([], resources=resources)
        stack: list[TextState] = []
        missing = 0
        for index, instruction in enumerate(parsed):
            operator = str(instruction.operator)
            operands: Operands = list(instruction.operands)
            layer.operators.append((operands, operator))
            if operator == "q":
                stack.append(state)
            elif operator == "Q":
                if stack:
                    state = stack.pop()
                else:
                    missing += 1
            elif operator in _SHOWING:
                state = self._show(layer, index, operator, operands, state)
            elif operator == "Do":
                self._form(layer, index, operands, state, depth)
            else:
                state = _changed(state, operator, operands, resources)
        layer.unbalanced = missing, len(stack)
        return layer

    def _show(
        self, layer: Layer, index: int, operator: str, operands: Operands, state: TextState
    ) -> TextState:
        if operator == '"' and len(operands) == 3:  # noqa: PLR2004 - its operands by the format
            state = TextState(
                state.font, state.font_size, _number(operands[1]), _number(operands[0])
            )
        if not operands or state.font is None:
            return state
        last = operands[-1]
        strings = tuple(last.as_list()) if isinstance(last, pikepdf.Array) else (last,)
        lead = 0.0
        for place, item in enumerate(strings):
            if not isinstance(item, pikepdf.String):
                lead += _number(item)
            elif bytes(item):
                layer.shows[index] = len(self.shows)
                self.shows.append(Show(strings[place:], state, lead))
                break
        return state

    def _form(
        self, layer: Layer, index: int, operands: Operands, state: TextState, depth: int
    ) -> None:
        xobjects = _entry(layer.resources, "/XObject")
        form = _entry(xobjects, str(operands[0])) if operands else None
        if isinstance(form, Stream) and form.get("/Subtype") == Name.Form:
            resources = form.get("/Resources", layer.resources)
            layer.forms[index] = FormUse(form, self._scan(form, resources, state, depth + 1))


def compressed(pdf: pikepdf.Pdf, data: bytes) -> Stream:
    """Return a stream of data, packed."""
    return Stream(pdf, zlib.compress(data, 9), Filter=Name.FlateDecode)


def _changed(
    state: TextState, operator: str, operands: Operands, resources: Object | None
) -> TextState:
    if operator == "Tf" and len(operands) == 2:  # noqa: PLR2004 - its operands by the format
        font = _entry(_entry(resources, "/Font"), str(operands[0]))
        # PDFium takes a font of its own where the named one is missing; it cannot be drawn again.
        return TextState(
            font if font is not None else Dictionary(),
            _number(operands[1]),
            state.char_space,
            state.word_space,
        )
    if operator == "Tc" and operands:
        return TextState(state.font, state.font_size, _number(operands[0]), state.word_space)
    if operator == "Tw" and operands:
        return TextState(state.font, state.font_size, state.char_space, _number(operands[0]))
    if operator == "gs" and operands:
        setting = _entry(_entry(_entry(resources, "/ExtGState"), str(operands[0])), "/Font")
        if isinstance(setting, pikepdf.Array) and len(setting) == 2:  # noqa: PLR2004 - font and size
            return TextState(setting[0], _number(setting[1]), state.char_space, state.word_space)
    return state


def _entry(dictionary: Object | None, key: str) -> Object | None:
    if isinstance(dictionary, Dictionary | Stream) and key.startswith("/"):
        return dictionary.get(key)
    return None


def _number(operand: object) -> float:
    try:
        return float(operand)  # type: ignore[arg-type] # what is no number is caught
    except (TypeError, ValueError):
        return 0.0


def _written(
    pdf: pikepdf.Pdf,
    layer: Layer,
    removal: Removal,
    forms: dict[str, Object],
) -> bytes:
    """Return the operators of a layer without some; forms that changed get names in `forms`."""
    kept: list[tuple[Operands, Operator]] = []
    text_began: int | None = None  # where in `kept` a text object began that shows nothing yet
    emptied = False
    for index, (operands, operator) in enumerate(layer.operators):
        number = layer.shows.get(index)
        if number is not None and number in removal.numbers:
            kept += _instead(layer, index, operands, operator, removal)
            emptied = True
            continue
        if index in layer.forms and _draws(layer.forms[index].layer, removal.numbers):
            name = f"/Fb{len(forms)}x{index}"
            forms[name] = _edited_form(pdf, layer.forms[index], removal)
            kept.append(([Name(name)], Operator("Do")))
            continue
        if operator == "BT":
            text_began, emptied = len(kept), False
        elif number is not None:
            text_began = None
        kept.append((operands, Operator(operator)))
        if operator == "ET":
            if text_began is not None and emptied:
                kept[text_began:] = _state_only(kept[text_began:])
            text_began = None
    return pikepdf.unparse_content_stream(kept)


def _state_only(
    operators: Sequence[tuple[Operands, Operator]],
) -> list[tuple[Operands, Operator]]:
    """Return what lasts of a text object that shows nothing: its positions end with it."""
    lasting: list[tuple[Operands, Operator]] = []
    for operands, operator in operators:
        if str(operator) == "TD" and len(operands) == 2:  # noqa: PLR2004 - by the format
            leading = Object.parse(f"{-_number(operands[1]):.4f}".encode())
            lasting.append(([leading], Operator("TL")))
        elif str(operator) not in _ENDING_WITH_TEXT:
            lasting.append((operands, operator))
    return lasting


def _draws(layer: Layer, numbers: Set[int]) -> bool:
    return any(number in numbers for number in layer.shows.values()) or any(
        _draws(use.layer, numbers) for use in layer.forms.values()
    )


def _edited_form(pdf: pikepdf.Pdf, use: FormUse, removal: Removal) -> Object:
    inner: dict[str, Object] = {}
    stream = compressed(pdf, _written(pdf, use.layer, removal, inner))
    for key, value in use.stream.items():
        if key not in {"/Length", "/Filter", "/DecodeParms"}:
            stream[key] = value
    if inner:
        old = use.layer.resources
        resources = Dictionary(dict(old.items()) if isinstance(old, Dictionary) else {})
        resources.XObject = Dictionary({**dict(resources.get("/XObject", {}).items()), **inner})
        stream.Resources = resources
    return pdf.make_indirect(stream)


def _instead(
    layer: Layer, index: int, operands: Operands, operator: str, removal: Removal
) -> list[tuple[Operands, Operator]]:
    """Return what keeps the state and the position as the operator would have left them."""
    kept: list[tuple[Operands, Operator]] = []
    if operator == '"':
        kept += [([operands[0]], Operator("Tw")), ([operands[1]], Operator("Tc"))]
    if operator in {"'", '"'}:
        kept.append(([], Operator("T*")))
    following = _next_on_line(layer, index)
    if following is not None:
        here, there = removal.runs[layer.shows[index]], removal.runs[following]
        m = here.matrix
        scale = m.a * m.d - m.b * m.c
        dx, dy = there.matrix.e - m.e, there.matrix.f - m.f
        if scale and here.font_size:
            # From before this text's own lead to before that of the following one.
            leads = removal.shows[following].lead - removal.shows[layer.shows[index]].lead
            along = (m.d * dx - m.c * dy) / scale + leads * here.font_size / 1000
            kept.append(
                ([pikepdf.Array([round(-1000 * along / here.font_size, 3)])], Operator("TJ"))
            )
    return kept


def _next_on_line(layer: Layer, index: int) -> int | None:
    """Return the number of the text that is placed by where this text ends, if there is one."""
    for later in range(index + 1, len(layer.operators)):
        if layer.operators[later][1] in _POSITIONING:
            return None
        if later in layer.shows:
            return layer.shows[later]
    return None
