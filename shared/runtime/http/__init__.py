"""The HTTP side of every service: one app factory, one error format, one body guard.

create_app(...)   FastAPI with guard, problem+json, correlation id, access log,
                  /livez, /readyz, /metrics
Problem           raise it to answer with problem+json (RFC 9457)
json_body(...)    the body as the guard parsed it, strictly and once
serve(...)        uvicorn, with deadlines and a shutdown that also ends streams
"""

from shared.runtime.http.app import create_app
from shared.runtime.http.guard import json_body
from shared.runtime.http.health import ReadinessCheck
from shared.runtime.http.problem import Problem
from shared.runtime.http.server import serve

__all__ = ["Problem", "ReadinessCheck", "create_app", "json_body", "serve"]
