"""GET /metrics, for the networks that PGB_METRICS_ALLOW names; for everybody else there is no such page."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from bridge.metrics import COUNTED, files
from bridge.metrics.tables import Tables


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the counts of all processes of this machine, and the figures of the tables."""
    if not _may_read(request.META.get("REMOTE_ADDR", "")):
        return HttpResponseNotFound("no such page", content_type="text/plain")
    registry = CollectorRegistry()
    place = files.folder()
    if place is None:
        registry.register(COUNTED)
    else:
        MultiProcessCollector(registry, str(place))  # type: ignore[no-untyped-call]
    registry.register(Tables())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(address: str) -> bool:
    """Judge by the peer of the connection: X-Forwarded-For is what anybody may write."""
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
    return any((mapped or peer) in network for network in settings.PGB_METRICS_ALLOW)
