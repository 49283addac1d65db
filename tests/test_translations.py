"""The back office speaks Korean, Japanese and English: a text without its translation is found here."""

import ast
import subprocess
import sys

import pytest
from babel.messages.pofile import read_po
from django.conf import settings

EXTRACT = ["extract", "-F", "locale/babel.toml", "--ignore-dirs", "tests docs .*"]
KEYWORDS = ["-k", "gettext_lazy", "-k", "pgettext_lazy:1c,2"]
LIBRARIES = "locale/libraries"
CATALOGUES = [("ja", "locale"), ("en", "locale"), ("ko", LIBRARIES), ("ja", LIBRARIES)]
MARKS = {"_", "gettext", "gettext_lazy", "ngettext", "pgettext", "pgettext_lazy"}


def catalogue(language, folder="locale"):
    with (settings.BASE_DIR / folder / language / "LC_MESSAGES" / "django.po").open("rb") as file:
        return read_po(file, locale=language)


def texts(messages):
    return {(message.context, message.id) for message in messages if message.id}


def is_complete(message):
    parts = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(parts) and not message.fuzzy


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Every text that the source marks for translation."""
    found = tmp_path_factory.mktemp("messages") / "messages.pot"
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", *EXTRACT, *KEYWORDS, "-o", found, "."]
    subprocess.run(command, cwd=settings.BASE_DIR, check=True)
    with found.open("rb") as file:
        return texts(read_po(file))


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_text_is_translated(source, language):
    translated = texts(message for message in catalogue(language) if is_complete(message))
    assert source - translated == set(), "run `make messages` and translate what is new"


@pytest.mark.parametrize("language", ["ja", "en"])
def test_nothing_is_translated_that_is_no_longer_said(source, language):
    assert texts(catalogue(language)) - source == set(), "run `make messages`"


def test_what_libraries_say_is_also_japanese():
    assert texts(catalogue("ko", LIBRARIES)) == texts(catalogue("ja", LIBRARIES))


@pytest.mark.parametrize(("language", "folder"), CATALOGUES)
def test_catalogues_have_their_header(language, folder):
    """Without one Babel takes a catalogue for a draft, and compiles nothing."""
    assert not catalogue(language, folder).fuzzy


@pytest.mark.parametrize(("language", "folder"), CATALOGUES)
def test_placeholders_are_kept(language, folder):
    problems = [(message.id, error) for message, errors in catalogue(language, folder).check() for error in errors]
    assert problems == []


def test_no_text_is_marked_where_it_is_not_looked_for():
    """Babel sees no call inside an f-string, save with some versions of Python."""
    folders = ["bridge", "config", "installments", "merchants", "payments"]
    hidden = []
    for path in sorted(path for folder in folders for path in (settings.BASE_DIR / folder).rglob("*.py")):
        strings = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.JoinedStr)]
        calls = [node for string in strings for node in ast.walk(string) if isinstance(node, ast.Call)]
        hidden += [f"{path}:{call.lineno}" for call in calls if getattr(call.func, "id", "") in MARKS]
    assert hidden == []
