"""Console pages of the audit log: a filter, its events newest first, and the same as a file."""

from collections.abc import AsyncIterator, Iterator
from itertools import islice

from asgiref.sync import sync_to_async
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from cloudconsole.accounts.audit_log import FORMATS, audit_events, export_audit_log, used_words
from cloudconsole.accounts.forms import AuditForm
from cloudconsole.web.access import AccountRequest, account_page
from cloudconsole.web.pages import render_page

PAGE_SIZE = 50
_LARGEST_SEQUENCE = 2**63 - 1


def _form(request: AccountRequest) -> AuditForm:
    actions, resource_types = used_words(request.account)
    return AuditForm(request.GET, actions=actions, resource_types=resource_types)


@require_safe
@account_page("read:account")
def audit_log(request: AccountRequest) -> HttpResponse:
    """Newest first; ``before`` in the query goes on where the page before ended."""
    form = _form(request)
    events = audit_events(request.account, form.wanted).order_by("-sequence")
    before = request.GET.get("before", "")
    if before.isdecimal() and before.isascii() and int(before) <= _LARGEST_SEQUENCE:
        events = events.filter(sequence__lt=int(before))
    found = list(events[: PAGE_SIZE + 1])
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "form": form,
        "events": found[:PAGE_SIZE],
        "older": found[PAGE_SIZE - 1].sequence if len(found) > PAGE_SIZE else None,
        "query": query.urlencode(),
        "formats": FORMATS,
    }
    return render_page(request, "accounts/audit_log.html", context, fragments=("events",))


@require_safe
@account_page("read:account")
def export(request: AccountRequest) -> StreamingHttpResponse:
    """The log, filtered as the page is, as a file in the ``format`` of the query."""
    name = request.GET.get("format", "")
    if name not in FORMATS:
        raise Http404(f"The audit log can be exported as one of: {', '.join(FORMATS)}.")
    pieces = export_audit_log(request.account, _form(request).wanted, name)
    response = StreamingHttpResponse(_in_async(pieces), content_type=FORMATS[name].content_type)
    file = f"audit-log-{timezone.now():%Y-%m-%d}.{FORMATS[name].extension}"
    response["Content-Disposition"] = f'attachment; filename="{file}"'
    return response


async def _in_async(pieces: Iterator[str]) -> AsyncIterator[str]:
    """The pieces for an answer under ASGI, where Django would put a plain iterator into memory whole."""
    while piece := await sync_to_async(_next_piece)(pieces):
        yield piece


def _next_piece(pieces: Iterator[str]) -> str:
    return "".join(islice(pieces, 500))
