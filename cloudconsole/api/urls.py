"""Addresses of the admin API, made from the google.api.http options in the protos."""

import re
from collections import defaultdict

from django.urls import URLPattern, path, re_path

from cloudconsole.api.documentation import documentation, openapi
from cloudconsole.api.methods import METHODS, VARIABLE, Method
from cloudconsole.api.unserved import unserved_methods
from cloudconsole.api.views import RpcView, UnknownRouteView

_PREFIX = "/api/"


def _routes() -> list[URLPattern]:
    shapes: dict[str, dict[str, tuple[Method, tuple[str, ...]]]] = defaultdict(dict)
    for method in METHODS.values():
        shape = VARIABLE.sub("{}", method.path.removeprefix(_PREFIX))
        shapes[shape][method.verb] = (method, method.variables)
    unserved = unserved_methods()
    # "{" sorts after every letter, so clusters/suggest-name is tried before clusters/{}.
    return [
        re_path(
            "^" + re.escape(shape).replace(r"\{\}", "([^/]+)") + r"\Z",
            RpcView.as_view(methods=shapes.get(shape, {}), unserved=unserved.get(shape, {})),
        )
        for shape in sorted({*shapes, *unserved})
    ]


urlpatterns = [
    path("docs", documentation, name="api-docs"),
    path("openapi.json", openapi, name="openapi"),
    *_routes(),
    re_path("", UnknownRouteView.as_view()),
]
