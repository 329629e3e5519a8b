"""The catalogue of reasons why a step can fail, for programs to act on.

A reason is part of the contract: it may be added, never renamed. Whether
another attempt can help is a default; a failure may say otherwise.
"""

from enum import StrEnum


class FailureReason(StrEnum):
    """Why a step failed: its word, whether a retry can help, and what it means."""

    retryable: bool
    description: str

    def __new__(cls, value: str, retryable: bool, description: str) -> "FailureReason":
        """Make a member that is its word and knows the rest."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.retryable = retryable
        member.description = description
        return member

    UNSUPPORTED_LANGUAGE_PAIR = (
        "UNSUPPORTED_LANGUAGE_PAIR",
        False,
        "No engine, nor a route over several, translates between these languages.",
    )
    UNSUPPORTED_ENGINE = (
        "UNSUPPORTED_ENGINE",
        False,
        "The engine that was asked for does not exist here.",
    )
    UNSUPPORTED_STEP = (
        "UNSUPPORTED_STEP",
        False,
        "The worker does not know this kind of work.",
    )
    ENGINE_UNAVAILABLE = (
        "ENGINE_UNAVAILABLE",
        True,
        "The engine cannot be reached or started now.",
    )
    ENGINE_FAILED = (
        "ENGINE_FAILED",
        True,
        "The engine broke, or gave an answer that cannot be used.",
    )
    EMPTY_TEXT = (
        "EMPTY_TEXT",
        False,
        "The text holds no letter and no digit to translate.",
    )
    NOT_UTF8 = (
        "NOT_UTF8",
        False,
        "The text is not valid UTF-8.",
    )
    INPUT_MISSING = (
        "INPUT_MISSING",
        False,
        "The input's bytes are not in the artifact store.",
    )
    INPUT_DAMAGED = (
        "INPUT_DAMAGED",
        False,
        "The input's bytes do not match its digest.",
    )
    INPUT_TOO_LARGE = (
        "INPUT_TOO_LARGE",
        False,
        "The input is larger than this kind of work accepts.",
    )
    UNSUPPORTED_FORMAT = (
        "UNSUPPORTED_FORMAT",
        False,
        "The file is of no format that can be translated, or not of the one that was named.",
    )
    DOCUMENT_DAMAGED = (
        "DOCUMENT_DAMAGED",
        False,
        "The file breaks the rules of its format.",
    )
    DOCUMENT_REFUSED = (
        "DOCUMENT_REFUSED",
        False,
        "The file holds what is not processed, for safety.",
    )
    DOCUMENT_ENCRYPTED = (
        "DOCUMENT_ENCRYPTED",
        False,
        "The file cannot be read without a password.",
    )
    DOCUMENT_TOO_LARGE = (
        "DOCUMENT_TOO_LARGE",
        False,
        "The file unpacks to more, or has more parts, than is accepted.",
    )
    SCANNED_DOCUMENT = (
        "SCANNED_DOCUMENT",
        False,
        "The pages are pictures: there is no text in them to translate.",
    )
    LANGUAGE_UNKNOWN = (
        "LANGUAGE_UNKNOWN",
        False,
        "The language of the text could not be detected; name it.",
    )
    URL_REFUSED = (
        "URL_REFUSED",
        False,
        "The address, or one that it led to, is not public or not of http or https.",
    )
    URL_NOT_FOUND = (
        "URL_NOT_FOUND",
        False,
        "The server says that there is nothing at the address, or that it may not be read.",
    )
    URL_UNAVAILABLE = (
        "URL_UNAVAILABLE",
        True,
        "The server at the address could not be reached, or failed.",
    )
    URL_TOO_LARGE = (
        "URL_TOO_LARGE",
        False,
        "The address serves more, or more slowly, than is accepted.",
    )
    ENGINE_REFUSED = (
        "ENGINE_REFUSED",
        False,
        "The engine's server refuses the credentials or the request.",
    )
    ENGINE_BUSY = (
        "ENGINE_BUSY",
        True,
        "The engine's rate limit is reached; it is asked again later.",
    )
    ENGINE_QUOTA_EXCEEDED = (
        "ENGINE_QUOTA_EXCEEDED",
        False,
        "The account's quota at the engine is used up.",
    )
    BUDGET_EXCEEDED = (
        "BUDGET_EXCEEDED",
        False,
        "The job would cost more than its budget allows.",
    )
    UNSUPPORTED_TONE = (
        "UNSUPPORTED_TONE",
        False,
        "Neither the engines nor the rules can give this tone to the language.",
    )
    SECRET_UNREADABLE = (
        "SECRET_UNREADABLE",
        False,
        "The job's api_key cannot be decrypted: it, or the service's key, is not what it was.",
    )
    NOT_MEDIA = (
        "NOT_MEDIA",
        False,
        "The file is no media file that can be read.",
    )
    NO_SUCH_STREAM = (
        "NO_SUCH_STREAM",
        False,
        "The media file lacks a stream that the preset needs.",
    )
    UNSUPPORTED_PRESET = (
        "UNSUPPORTED_PRESET",
        False,
        "The preset that was asked for does not exist here.",
    )
    UNSUPPORTED_OPTION = (
        "UNSUPPORTED_OPTION",
        False,
        "The preset does not take an option that was asked for, or not with this value or file.",
    )
    MEDIA_REFUSED = (
        "MEDIA_REFUSED",
        False,
        "The media file is of a kind that is not processed, for safety or by its limits.",
    )
    NOT_SUBTITLES = (
        "NOT_SUBTITLES",
        False,
        "The file is no subtitle file of a format and charset that can be read.",
    )
    SUBTITLES_NOT_TEXT = (
        "SUBTITLES_NOT_TEXT",
        False,
        "The subtitle track holds pictures, of which no text is made.",
    )
    CONTAINER_UNSUITABLE = (
        "CONTAINER_UNSUITABLE",
        False,
        "The container that was asked for cannot hold all streams of the file.",
    )
    FONT_MISSING = (
        "FONT_MISSING",
        False,
        "No font of the worker has all characters of the subtitles.",
    )
    ENCODE_FAILED = (
        "ENCODE_FAILED",
        True,
        "The encoder ended with an error.",
    )
    OUTPUT_INVALID = (
        "OUTPUT_INVALID",
        True,
        "The work ended, but what it made did not pass its checks.",
    )
    STEP_TIMEOUT = (
        "STEP_TIMEOUT",
        True,
        "The attempt took longer than its timeout.",
    )
    CANCELLED = (
        "CANCELLED",
        False,
        "The work was stopped at the client's wish.",
    )
    NO_SPACE = (
        "NO_SPACE",
        True,
        "There was no space left to write to.",
    )
    STORE_UNAVAILABLE = (
        "STORE_UNAVAILABLE",
        True,
        "The artifact store could not be read or written.",
    )
    WORKER_SHUTDOWN = (
        "WORKER_SHUTDOWN",
        True,
        "The worker was stopped and gave the step back.",
    )
    WORKER_CRASHED = (
        "WORKER_CRASHED",
        True,
        "The worker ended, or was cut off, before it could report.",
    )
    DEADLINE_EXCEEDED = (
        "DEADLINE_EXCEEDED",
        False,
        "The job was not finished before its deadline.",
    )
    DEPENDENCY_FAILED = (
        "DEPENDENCY_FAILED",
        False,
        "A step that this one needed did not complete.",
    )
    INTERNAL = (
        "INTERNAL",
        True,
        "The worker met an error that it has no name for.",
    )
