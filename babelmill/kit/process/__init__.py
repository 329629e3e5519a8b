"""Process plumbing of every service: settings, logs, telemetry, lifecycle."""
