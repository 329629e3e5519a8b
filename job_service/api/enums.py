"""Refuses enum values that the contract does not know.

proto3 lets any number pass, and a newer client's meaning would be lost in
silence. Which fields can hold an enum is worked out once for each message type.
"""

from collections.abc import Iterator
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from job_service.domain.errors import Violation


def unknown_enum_values(message: Message, prefix: str = "") -> Iterator[Violation]:
    """Name each field of the message, nested ones included, with an unknown value."""
    for field in _fields_with_enums(message.DESCRIPTOR):
        if field.is_repeated:
            for index, value in enumerate(getattr(message, field.name)):
                yield from _check(field, value, f"{prefix}{field.name}[{index}]")
        elif field.enum_type is not None or message.HasField(field.name):
            yield from _check(field, getattr(message, field.name), f"{prefix}{field.name}")


def _check(field: FieldDescriptor, value: object, path: str) -> Iterator[Violation]:
    if isinstance(value, Message):
        yield from unknown_enum_values(value, f"{path}.")
    elif field.enum_type is not None and value not in field.enum_type.values_by_number:
        yield Violation(
            path, f"{value} is no value of {field.enum_type.name}.", "UNKNOWN_ENUM_VALUE"
        )


@cache
def _fields_with_enums(descriptor: Descriptor) -> tuple[FieldDescriptor, ...]:
    return tuple(field for field in descriptor.fields if _leads_to_enum(field, frozenset()))


def _leads_to_enum(field: FieldDescriptor, seen: frozenset[str]) -> bool:
    if field.enum_type is not None:
        return True
    message = field.message_type
    if message is None or message.GetOptions().map_entry or message.full_name in seen:
        # No map of the contract has enums or messages as values.
        return False
    seen |= {message.full_name}
    return any(_leads_to_enum(inner, seen) for inner in message.fields)
