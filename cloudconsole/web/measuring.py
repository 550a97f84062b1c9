"""Counting the console's answers, for Prometheus."""

import time
from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from prometheus_client import Counter, Histogram

ANSWERS = Counter("cloudconsole_console_requests", "Requests answered", ["view", "method", "status"])
SECONDS = Histogram("cloudconsole_console_seconds", "From request to answer", ["view"])
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Measuring:
    """The outermost middleware. Labels are views, not paths: there are only so many."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self._get_response(request)
        match = request.resolver_match
        view = (match.view_name or match.route) if match else "none"
        method = request.method if request.method in _METHODS else "other"
        ANSWERS.labels(view, method, response.status_code).inc()
        SECONDS.labels(view).observe(time.perf_counter() - began)
        return response
