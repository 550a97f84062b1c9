"""The OpenAPI document and a page to browse it, all from our own origin."""

from functools import cache

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from cloudconsole.api.openapi import openapi_document

_document = cache(openapi_document)  # apps register what they serve before the first request


def openapi(request: HttpRequest) -> JsonResponse:
    return JsonResponse(_document())


def documentation(request: HttpRequest) -> HttpResponse:
    return render(request, "api/documentation.html")
