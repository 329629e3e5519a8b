"""PostgreSQL for every house: one cluster is made and migrated, the others are its copies."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from babelmill.stack.postgres import EmbeddedPostgres

_TENANT = "default"


@dataclass(frozen=True)
class Template:
    """A cluster that is down, and the tokens in it."""

    directory: Path
    client_token: str
    worker_token: str


def make_template(directory: Path, python_path: str = "") -> Template:
    """Make a cluster with the newest schema, a tenant, and a token of each role.

    With a `python_path` it is the schema of the code that lies there.
    """
    server = EmbeddedPostgres(directory / "postgres")
    server.start()
    try:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": python_path or os.environ.get("PYTHONPATH", ""),
            "BABELMILL_DATABASE_URL": server.url(),
        }
        job_service(environment, "migrate")
        tokens = {}
        for role in ("client", "worker"):
            path = directory / role
            tenant = ("--tenant", _TENANT)
            job_service(
                environment, "create-token", *tenant, "--role", role, "--token-file", str(path)
            )
            tokens[role] = path.read_text().strip()
    finally:
        server.stop()
    return Template(directory / "postgres", tokens["client"], tokens["worker"])


def copy_cluster(template: Template, directory: Path) -> None:
    """Copy the template's cluster, owners and modes included."""
    subprocess.run(["cp", "-a", template.directory, directory], check=True)


def job_service(environment: dict[str, str], *arguments: str) -> None:
    """Run one command of the job service to its end."""
    finished = subprocess.run(
        [Path(sys.executable).parent / "babelmill-job-service", *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
