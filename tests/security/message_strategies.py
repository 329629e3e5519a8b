"""Messages for fuzzing: any bytes, well-formed fields of no message, and a method's own message
with values nobody should send."""

import uuid

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_DEEPEST = 4
_INTEGERS = st.one_of(
    st.integers(-1, 3), st.sampled_from([2**31 - 1, -(2**31)]), st.integers(-(2**31), 2**31 - 1)
)
_TEXTS = st.one_of(
    st.sampled_from(
        ["", "en", "pt", "a\x00b", "'; --", "../x", "\u202e", "x" * 300, str(uuid.UUID(int=7))]
    ),
    st.text(max_size=30),
)
_DOUBLES = st.one_of(st.floats(), st.sampled_from([float("nan"), float("inf"), -0.0, 1e308]))
_NUMBERS: dict[int, st.SearchStrategy[object]] = {
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_DOUBLE: _DOUBLES,
    FieldDescriptor.CPPTYPE_FLOAT: _DOUBLES,
    FieldDescriptor.CPPTYPE_ENUM: st.integers(-1, 13),
    FieldDescriptor.CPPTYPE_UINT32: st.integers(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: st.integers(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_INT64: st.one_of(_INTEGERS, st.sampled_from([2**63 - 1, -(2**63)])),
}
_BYTES_BY_KIND = {1: 8, 5: 4}


@st.composite
def own_messages(draw: st.DrawFn, descriptor: Descriptor, depth: int = 0) -> Message:
    """A method's own message, filled with odd values."""
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        if depth > _DEEPEST or not draw(st.booleans()):
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _draw_map(draw, message, field, depth)
        elif field.is_repeated:
            values = [_draw_value(draw, field, depth) for _ in range(draw(st.integers(0, 3)))]
            if values:
                getattr(message, field.name).extend(values)
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(_draw_value(draw, field, depth))
        else:
            setattr(message, field.name, _draw_value(draw, field, depth))
    return message


def _draw_map(draw: st.DrawFn, message: Message, field: FieldDescriptor, depth: int) -> None:
    entry = field.message_type
    assert entry is not None
    key = draw(_TEXTS)
    value_field = entry.fields_by_name["value"]
    value = _draw_value(draw, value_field, depth)
    target = getattr(message, field.name)
    if value_field.message_type is not None:
        target[key].CopyFrom(value)
    else:
        target[key] = value


def _draw_value(draw: st.DrawFn, field: FieldDescriptor, depth: int) -> object:
    if field.message_type is not None:
        return draw(own_messages(field.message_type, depth + 1))
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        is_bytes = field.type == FieldDescriptor.TYPE_BYTES
        return draw(st.binary(max_size=60)) if is_bytes else draw(_TEXTS)
    return draw(_NUMBERS.get(kind, _INTEGERS))


@st.composite
def loose_fields(draw: st.DrawFn, depth: int = 0) -> bytes:
    """Well-formed fields with numbers, kinds and values of no particular message."""
    written = b""
    for _ in range(draw(st.integers(0, 4))):
        number = draw(st.integers(1, 20))
        kind = draw(st.sampled_from([0, 1, 2, 5]))
        written += _varint(number << 3 | kind)
        if kind == 0:
            written += _varint(draw(st.integers(-(2**63), 2**63 - 1)))
        elif kind in _BYTES_BY_KIND:
            size = _BYTES_BY_KIND[kind]
            written += draw(st.binary(min_size=size, max_size=size))
        else:
            nested = depth < _DEEPEST and draw(st.booleans())
            body = draw(loose_fields(depth + 1)) if nested else draw(st.binary(max_size=40))
            written += _varint(len(body)) + body
    return written


def _varint(number: int) -> bytes:
    number &= 2**64 - 1
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])
