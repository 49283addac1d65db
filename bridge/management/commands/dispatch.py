"""manage.py dispatch: wakes workers for what is due, until SIGTERM or SIGINT."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from bridge import drains, watch
from bridge.dispatch import Dispatcher


class Command(BaseCommand):
    """A plain loop; any number of them may run."""

    help = "Wakes the workers for due rows, works itself when Redis or the workers are gone, and watches for staff."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until told to stop."""
        stop = threading.Event()

        def end(*_: object) -> None:
            drains.ENDING.set()
            stop.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        watching = threading.Thread(target=watch.run, args=(stop,), name="watch")
        watching.start()
        try:
            Dispatcher().run(stop)
        finally:
            # A watch that went on alone would keep this process alive: nobody would start it anew.
            end()
            watching.join()
