"""PGB that keeps no copy of its configuration: what a question costs when it is the first in five seconds."""

from django.core.wsgi import get_wsgi_application

from installments import lookup as notices
from merchants import lookup

lookup.LIFETIME_SECONDS = notices.LIFETIME_SECONDS = 0.0
application = get_wsgi_application()
