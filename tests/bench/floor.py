"""The least that a durable webhook can cost in Django: PGB's own middleware and pool, one HMAC, one row."""

import hashlib
import hmac

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tests.bench.models import Note
from tests.bench.wire import WEBHOOK_SECRET


@csrf_exempt
def take(request: HttpRequest) -> HttpResponse:
    """Check the signature of Stripe's form, write one row, say yes."""
    parts = dict(part.split("=", 1) for part in request.headers["Stripe-Signature"].split(","))
    signed = parts["t"].encode() + b"." + request.body
    made = hmac.new(WEBHOOK_SECRET.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(made, parts["v1"]):
        return HttpResponse(status=400)
    Note.objects.create(body=request.body)
    return HttpResponse()


urlpatterns = [path("take", take)]
