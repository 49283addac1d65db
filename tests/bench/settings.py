"""PGB's settings, with the floor behind them: the same middleware, pool and logging."""

from config.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.floor"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.bench"]  # noqa: F405
