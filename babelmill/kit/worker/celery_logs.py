"""Brings what Celery and Billiard log onto the worker's one way of logging."""

import logging
import os
import warnings

from billiard import util as billiard_util
from celery.exceptions import SecurityWarning

_CHILD_LOG_PREFIX = "_MP_FORK_LOG"


def route_celery_logs() -> None:
    """Send Billiard's records to the root logger and silence what is no news.

    Call it when Celery's worker has been made, which sets both up, and
    before it starts its children, which inherit the environment.
    """
    # Celery tells spawned children by these to log lines of plain text.
    for name in [name for name in os.environ if name.startswith(_CHILD_LOG_PREFIX)]:
        del os.environ[name]
    billiard_util.get_logger().propagate = True
    # A line for every message received, or child started, is no news.
    for name in ("celery.worker.strategy", "multiprocessing"):
        logging.getLogger(name).setLevel(logging.WARNING)


def hide_root_warning() -> None:
    """Hide Celery's warning of running as root: it is about pickle, which is refused here."""
    warnings.filterwarnings("ignore", category=SecurityWarning)
