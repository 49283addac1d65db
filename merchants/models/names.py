"""Names that a row has in several languages."""

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Named(models.Model):
    """A name in Korean and, where it is known, in Japanese and English."""

    name = models.CharField(_("이름"), max_length=50)
    name_ja = models.CharField(_("이름 (일본어)"), max_length=50, blank=True)
    name_en = models.CharField(_("이름 (영어)"), max_length=50, blank=True)

    class Meta:
        abstract = True

    @property
    def local_name(self) -> str:
        """The name in the language of whoever looks, else in Korean."""
        return getattr(self, f"name_{get_language()}", "") or self.name
