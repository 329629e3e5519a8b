"""From a spec to steps and targets: a pure function, one planner a kind.

A step's `settings` is a JSON object whose keys depend on the step's kind:

`translate_text`: source (artifact id), source_language, target_language, engine
`transcode`:      source (artifact id), preset

An inline text becomes an artifact of its own before planning, so that a
worker finds every input in the same way.
"""

SOURCE = "source"
"""The settings key that names the step's input artifact, for every kind."""
