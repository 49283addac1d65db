"""The least that a thing can cost in Django, with PGB's own middleware and pool.

A durable webhook: one HMAC, one row. A function of order pages: DRF, and as many statements as asked for.
"""

import hashlib
import hmac

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from installments.models import InterestFreeNotice
from merchants.models import MethodConnection, Shop
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


class Bare(APIView):
    """Read a little JSON, read so many tables, answer a little JSON."""

    authentication_classes = ()
    READS = (
        Shop.objects.all(),
        MethodConnection.objects.select_related("method", "merchant"),
        InterestFreeNotice.objects.select_related("issuer"),
    )

    def post(self, request: Request, statements: int) -> Response:
        """Answer what was sent."""
        for rows in self.READS[:statements]:
            list(rows.all())
        return Response(request.data)


urlpatterns = [path("take", take), path("bare/<int:statements>", Bare.as_view())]
