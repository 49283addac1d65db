"""What the pages of the configuration share."""

from typing import Any

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin

from merchants.crafted import RefusesCrafted

UNREADABLE = _("열 수 없음: PGB_FIELD_KEYS를 확인하세요.")


class SecretsAdmin(RefusesCrafted, ModelAdmin):
    """A page whose form takes secrets: they stay out of error reports."""

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)
