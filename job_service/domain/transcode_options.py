"""What can be chosen about a transcode, and whether a preset allows the choice.

Options are numbers under the names that the contract gives them. Which there
are, and what they mean, is the affair of the contract and of the worker that
announces its presets; here they are only kept, and held against what was
announced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from job_service.domain.errors import Violation

NOT_TAKEN = "OPTION_NOT_TAKEN"
OUT_OF_RANGE = "OPTION_OUT_OF_RANGE"

# Bounds and values come as floating point numbers.
_CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class TranscodeOptions:
    """The options that were set; each has one number, or several if the contract repeats it."""

    values: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @classmethod
    def read(cls, form: Mapping[str, Iterable[float]]) -> "TranscodeOptions":
        """Take options as they lie in JSON."""
        return cls({name: tuple(values) for name, values in form.items()})

    def __bool__(self) -> bool:
        """Tell whether anything was set."""
        return bool(self.values)


@dataclass(frozen=True, slots=True)
class PresetOption:
    """An option that a preset takes; no choices means every number within the bounds."""

    name: str
    minimum: float
    maximum: float
    choices: tuple[float, ...] = ()

    def allows(self, value: float) -> bool:
        """Tell whether the preset can be made with this value."""
        if self.choices:
            return any(abs(value - choice) < _CLOSE for choice in self.choices)
        return self.minimum - _CLOSE <= value <= self.maximum + _CLOSE

    def __str__(self) -> str:
        """Say what is allowed."""
        if self.choices:
            return f"one of {', '.join(f'{choice:g}' for choice in self.choices)}"
        return f"from {self.minimum:g} to {self.maximum:g}"


def violations_of(
    options: TranscodeOptions, taken: tuple[PresetOption, ...], preset: str, path: str
) -> list[Violation]:
    """Return what a preset does not allow; `path` is put before the field names."""
    by_name = {option.name: option for option in taken}
    found: list[Violation] = []
    for name, values in sorted(options.values.items()):
        option = by_name.get(name)
        if option is None:
            found.append(
                Violation(f"{path}{name}", f"preset {preset} does not take this option", NOT_TAKEN)
            )
        elif not all(option.allows(value) for value in values):
            found.append(Violation(f"{path}{name}", f"must be {option}", OUT_OF_RANGE))
    return found
