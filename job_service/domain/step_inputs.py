"""What a step's settings say of its inputs.

Artifacts that are there when the step is planned are named by their ids.
What earlier steps of the job put out is named by step and filename, as it has
no id yet: `parts` holds lists of such names, each under the name that the kind
of step gives it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from job_service.domain.job import Step

SOURCE = "source"
"""The settings key that names the step's input artifact, for every kind."""

GLOSSARY = "glossary"
"""The settings key that names the artifact with the job's terms."""

FILES = "files"
"""The settings key that lists the artifacts of files that come beside the input."""

PARTS = "parts"
"""The settings key under which outputs of earlier steps are named."""


@dataclass(frozen=True, slots=True)
class PartName:
    """An output of an earlier step: the one of this filename, or the first if it is empty."""

    step_name: str
    filename: str = ""


def input_artifact_ids(step: Step) -> tuple[UUID, ...]:
    """Name the artifacts that a worker needs for the step, besides parts."""
    ids = [str(step.settings[key]) for key in (SOURCE, GLOSSARY) if key in step.settings]
    files = step.settings.get(FILES)
    if isinstance(files, list):
        ids += files
    return tuple(UUID(each) for each in ids)


def part_form(parts: Mapping[str, Iterable[PartName]]) -> dict[str, object]:
    """Write names of parts as they lie in a step's settings."""
    return {
        use: [[part.step_name, part.filename] for part in named] for use, named in parts.items()
    }


def part_inputs(step: Step) -> Mapping[str, tuple[PartName, ...]]:
    """Read which parts a worker needs for the step, by what they are for."""
    form = step.settings.get(PARTS)
    if not isinstance(form, dict):
        return {}
    return {
        str(use): tuple(PartName(step_name, filename) for step_name, filename in named)
        for use, named in form.items()
    }
