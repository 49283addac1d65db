"""People of the back office at work, and the addresses of its pages."""

from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from payments.staff_cancels import version_of


def enter(name, *roles, password=None):
    """Somebody with these roles, logged in."""
    user = User.objects.create_user(name, password=password, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client()
    client.force_login(user)
    return client


def page(row):
    """The address of a row's page."""
    return reverse(f"admin:payments_{row._meta.model_name}_change", args=[row.pk])


def at(name, row, query=""):
    """The address of a button or form of a row."""
    return reverse(f"admin:payments_{name}", args=[row.pk]) + query


def shown(answer):
    """What a page says."""
    return answer.content.decode()


def wish(session, **more):
    """What the last step of a cancel sends."""
    return {"version": version_of(session), "reason": "고객 변심", "step": "do", **more}
