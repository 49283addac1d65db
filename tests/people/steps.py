"""The steps of a login, as tests take them."""

from django.urls import reverse

LOGIN, INDEX = reverse("admin:login"), reverse("admin:index")
CODE, SET_UP = reverse("admin:login_code"), reverse("admin:login_set_up")
PASSWORD = "a password of kim"


def give_password(client, password=PASSWORD, name="kim", to=INDEX):
    return client.post(f"{LOGIN}?next={to}", {"username": name, "password": password})


def is_in(client):
    return client.get(INDEX).status_code == 200
