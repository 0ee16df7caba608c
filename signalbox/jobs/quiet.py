"""What DBOS would do by itself and must not here: print to the console, and load pickles."""

from __future__ import annotations

import logging
from typing import Any

from dbos import _serialization
from dbos._error import DBOSWorkflowCancelledError

from signalbox.jobs.wire import JobFailed
from signalbox.telemetry import get_logger

log = get_logger(__name__)


class Closing(BaseException):
    """The engine closes while a job runs. No Exception, so that nothing takes it for the job's end."""


def quieten() -> None:
    """Before DBOS is made: its warnings go into our log, and rows that say they hold pickles are refused."""
    _serialization.DBOSDefaultSerializer = _RefusePickles()
    logger = logging.getLogger("dbos")
    if not any(isinstance(handler, _IntoOurLog) for handler in logger.handlers):
        logger.handlers = [_IntoOurLog(logging.WARNING)]
        logger.propagate = False


class _RefusePickles(_serialization.DefaultSerializer):
    """Stands where DBOS would load the pickle of a row that says it holds one."""

    def serialize(self, data: Any) -> str:
        raise TypeError(f"{type(data).__name__} would be kept as a pickle")

    def deserialize(self, serialized_data: str) -> Any:
        raise TypeError(f"{len(serialized_data)} characters that say they are a pickle are not loaded")


class _IntoOurLog(logging.Handler):
    """DBOS' warnings, and nothing else of what it says; its own console handler is then not made."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, (JobFailed, DBOSWorkflowCancelledError, Closing)):
            return  # the job says so itself
        log.warning("jobs", said=record.getMessage()[:500], exc_info=record.exc_info)
