"""PGB that keeps no copy of its configuration: what a question costs when it is the first in five seconds."""

from importlib import import_module

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
for name in ("merchants.lookup", "installments.lookup"):  # only now can they be imported
    import_module(name).LIFETIME_SECONDS = 0.0
