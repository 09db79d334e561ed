"""Logs: one JSON object a line on stdout, for our records and for those of libraries alike.

Each carries `service`, `level`, `event`, `timestamp` and, inside a request, `correlation_id`.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextvars import ContextVar
from typing import Any

import orjson
import structlog

from shared.runtime.log_throttle import LogThrottle
from shared.runtime.settings import RuntimeSettings

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")

_QUIET_LIBRARIES = ("aiokafka", "faust", "mode", "asyncio", "httpx", "httpcore", "uvicorn")


def configure_logging(service: str, settings: RuntimeSettings) -> None:
    """Routes structlog and the standard library's loggers to stdout, in `settings.log_format`."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = _shared_processors(service)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings.log_format),
            ],
        )
    )
    handler.addFilter(LogThrottle(_QUIET_LIBRARIES))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET_LIBRARIES:  # their debug and info records cost a tenth of the CPU
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _shared_processors(service: str) -> list[structlog.types.Processor]:
    def add_context(
        _logger: object, _method: str, event: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        event["service"] = service
        if current := correlation_id.get():
            event.setdefault("correlation_id", current)
        return event

    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_context,
    ]


def _renderers(log_format: str) -> list[structlog.types.Processor]:
    if log_format == "console":
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(),
                exception_formatter=structlog.dev.plain_traceback,  # others show local values
            )
        ]
    return [structlog.processors.format_exc_info, _render_json]


def _render_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str).decode()
