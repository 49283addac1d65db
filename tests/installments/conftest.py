import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from installments.admin.exchanging import IMPORT_FORMATS
from installments.exchange import formats


@pytest.fixture
def clock():
    """It is the 10th of December 2026 in Korea, before anybody logs in."""
    with time_machine.travel("2026-12-10T12:00:00+09:00", tick=False) as clock:
        yield clock


@pytest.fixture
def log_in_staff(client):
    """Logs in a superuser without a password: hashing one takes longer than these tests."""

    def log_in():
        user, _made = User.objects.get_or_create(username="staff", is_staff=True, is_superuser=True)
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def admin_client(log_in_staff):
    return log_in_staff()


@pytest.fixture
def person(client):
    """Logs in somebody with these permissions only."""

    def log_in(*codenames):
        user = User.objects.create(username="-".join(codenames) or "nobody", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
        client.force_login(user)
        return client

    return log_in


@pytest.fixture
def address():
    """The address of a page of the notices."""

    def find(page="changelist", *args):
        return reverse(f"admin:installments_interestfreenotice_{page}", args=args)

    return find


@pytest.fixture
def upload(admin_client, address):
    """Uploads a file; the answer is the preview."""

    def send(content, file_format=formats.CSV, **values):
        content = content.encode() if isinstance(content, str) else content
        file = SimpleUploadedFile("notices", content)
        data = {"format": str(IMPORT_FORMATS.index(file_format)), "import_file": file, "resource": "0"}
        answer = admin_client.post(address("import"), data | values)
        assert answer.status_code == 200
        return answer

    return send


@pytest.fixture
def confirm(admin_client, address):
    """Presses the button below a preview."""

    def send(preview, **values):
        form = preview.context["confirm_form"]
        data = {name: form[name].value() or "" for name in form.fields}
        return admin_client.post(address("process_import"), data | values, follow=True)

    return send
