"""What the floors write."""

from django.db import models


class Note(models.Model):
    """A body that was signed."""

    body = models.BinaryField()
    received_at = models.DateTimeField(auto_now_add=True)
