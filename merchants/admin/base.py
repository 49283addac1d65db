"""What the pages of the configuration share."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from unfold.admin import ModelAdmin

from merchants.crafted import RefusesCrafted

UNREADABLE = _("열 수 없음: PGB_FIELD_KEYS를 확인하세요.")


class OneByOne:
    """Beside ModelAdmin: rows are deleted alone, each after a page that says what that changes or why it stays."""

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Leave out what deletes all that are ticked, and says nothing of it."""
        actions: dict[str, Any] = super().get_actions(request)  # type: ignore[misc]
        actions.pop("delete_selected", None)
        return actions


class SecretsAdmin(RefusesCrafted, ModelAdmin):
    """A page whose form takes secrets: they stay out of error reports."""

    @method_decorator(sensitive_post_parameters())
    def changeform_view(self, *args: Any, **kwargs: Any) -> HttpResponse:
        return super().changeform_view(*args, **kwargs)
