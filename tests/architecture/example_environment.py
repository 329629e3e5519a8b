"""Writes deploy/env.example from the services' settings: every variable with its default.

Usage: PYTHONPATH=. python tests/architecture/example_environment.py
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic.fields import FieldInfo

from babelmill.kit.process.settings import Settings
from babelmill.kit.worker.settings import WorkerSettings
from gateway.settings import GatewaySettings
from job_service.settings import JobServiceSettings
from media_worker.settings import MediaWorkerSettings
from translation_worker.settings import TranslationSettings

PAGE = Path(__file__).resolve().parents[2] / "deploy" / "env.example"
SERVICES: tuple[tuple[str, type[Settings]], ...] = (
    ("Job service", JobServiceSettings),
    ("Gateway", GatewaySettings),
    ("Both workers", WorkerSettings),
    ("Translation worker", TranslationSettings),
    ("Media worker", MediaWorkerSettings),
)
INTRODUCTION = """\
# Every setting of every service. A line with a # in front shows the default;
# a line without one must be filled in. Keep the file readable by its owner only.
"""
# Without a default, or with one that depends on the machine.
EXAMPLES = {
    "BABELMILL_DATABASE_URL": "postgresql://babelmill:PASSWORD@127.0.0.1:5432/babelmill",
    "BABELMILL_REDIS_URL": "redis://:PASSWORD@127.0.0.1:6379/0",
    "BABELMILL_ARTIFACTS": "/var/lib/babelmill/artifacts",
    "BABELMILL_WORKER_TOKEN": "",
    "BABELMILL_OTLP_ENDPOINT": "http://127.0.0.1:4317",
    "BABELMILL_SCRATCH": "/var/tmp/babelmill",
    "BABELMILL_MEDIA_ISOLATION": "bubblewrap",
    "BABELMILL_FFMPEG": "/usr/bin/ffmpeg",
    "BABELMILL_MODELS_DIR": "/var/lib/babelmill/models",
    "BABELMILL_LIBRETRANSLATE_KEY_FILE": "/etc/babelmill/libretranslate.key",
    "BABELMILL_SECRETS_KEY_FILE": "/etc/babelmill/secrets.key",
    "BABELMILL_QUEUE_FAMILIES": "extraction,translation,tone,reconstruction",
    "BABELMILL_DEEPL_KEY_FILE": "/etc/babelmill/deepl.key",
    "BABELMILL_MEDIA_THREADS": "1",
    "BABELMILL_GRPC_CA": "/etc/babelmill/ca.pem",
    "BABELMILL_GRPC_CERT": "/etc/babelmill/gateway.pem",
    "BABELMILL_GRPC_KEY": "/etc/babelmill/gateway.key",
    "BABELMILL_HTTP_LISTEN_CERT": "/etc/babelmill/gateway.pem",
    "BABELMILL_HTTP_LISTEN_KEY": "/etc/babelmill/gateway.key",
    "BABELMILL_HTTP_LISTEN_CLIENT_CA": "/etc/babelmill/ca.pem",
    "BABELMILL_WORKER_GRPC_CA": "/etc/babelmill/ca.pem",
    "BABELMILL_WORKER_GRPC_CERT": "/etc/babelmill/worker.pem",
    "BABELMILL_WORKER_GRPC_KEY": "/etc/babelmill/worker.key",
    "BABELMILL_GRPC_LISTEN_CERT": "/etc/babelmill/job-service.pem",
    "BABELMILL_GRPC_LISTEN_KEY": "/etc/babelmill/job-service.key",
    "BABELMILL_GRPC_LISTEN_CLIENT_CA": "/etc/babelmill/ca.pem",
    "BABELMILL_WORKER_GRPC_LISTEN_CERT": "/etc/babelmill/job-service.pem",
    "BABELMILL_WORKER_GRPC_LISTEN_KEY": "/etc/babelmill/job-service.key",
    "BABELMILL_WORKER_GRPC_LISTEN_CLIENT_CA": "/etc/babelmill/ca.pem",
    "BABELMILL_GATEWAY_GUEST_TOKEN_FILE": "/etc/babelmill/guest.token",
}


def page() -> str:
    """Return the file that the code gives today."""
    lines = [INTRODUCTION]
    told = {_variable(name, field) for name, field in Settings.model_fields.items()}
    for title, cls in SERVICES:
        found = {_variable(name, field): field for name, field in cls.model_fields.items()}
        own = {name: field for name, field in found.items() if name not in told}
        told.update(own)
        lines += [f"# {title}", *(_line(name, field) for name, field in own.items()), ""]
    return "\n".join(lines)


def _variable(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or f"BABELMILL_{name.upper()}")


def _line(variable: str, field: FieldInfo) -> str:
    if variable in EXAMPLES:
        return f"{'' if field.is_required() else '# '}{variable}={EXAMPLES[variable]}"
    return f"# {variable}={_text(field.default)}"


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def variables() -> Iterator[str]:
    """Name every variable in the file."""
    for line in page().splitlines():
        name, separator, _ = line.removeprefix("# ").partition("=")
        if separator:
            yield name


def main() -> None:
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
