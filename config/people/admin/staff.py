"""직원 and 역할: who may enter the back office, and who may do what. Only a superuser changes them."""

from typing import Any, ClassVar

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Exists, Model, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from config.people import events, lockout, two_factor
from config.people.admin import permits
from config.people.admin.forms import NewStaffForm, StaffForm
from config.people.roles import ROLES
from merchants import audit
from merchants.crafted import RefusesCrafted
from payments.admin import columns

for table in (User, Group, TOTPDevice, StaticDevice):  # no page of ours shows the key of an authenticator app
    admin.site.unregister(table)


class ForSuperusers(RefusesCrafted):
    """Pages that others at most look at: who could change them could give themselves everything."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Whether this person may add a row."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether this person may change it."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Whether this person may delete it."""
        return bool(request.user.is_superuser)


@admin.register(User)
class StaffAdmin(ForSuperusers, UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """직원."""

    form = StaffForm
    add_form = NewStaffForm
    add_form_template = None  # Django's speaks of a second step, which there is none here
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "person", "roles", "active", "second_factor", "lock", "seen")
    list_filter = ("is_active", "groups", "is_superuser")
    search_fields = ("username", "first_name", "email")
    list_per_page = 50
    ordering = ("-is_active", "username")
    filter_horizontal = ()
    readonly_fields = ("seen",)
    fieldsets = (
        (None, {"fields": ("username", "first_name", "email", "is_active", "seen")}),
        (gettext_lazy("권한"), {"fields": ("groups", "is_superuser")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "first_name", "email", "password1", "password2")}),
        (gettext_lazy("권한"), {"fields": ("groups", "is_superuser")}),
    )
    change_form_outer_after_template = "admin/people/security.html"

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody: their names stand in the history. Who left is no longer active."""
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Add what the list shows of each person."""
        apps = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        locks = AccessAttempt.objects.filter(lockout.locking(), username=OuterRef("username"))
        found: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return found.annotate(has_app=Exists(apps), is_locked=Exists(locks))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer the roles as a few boxes to tick."""
        if db_field.name == "groups":
            kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @display(description=gettext_lazy("이름"), ordering="first_name")
    def person(self, user: User) -> str:
        """Return the person's name."""
        return user.get_full_name()

    @display(description=gettext_lazy("역할"))
    def roles(self, user: User) -> str:
        """Return what the person may do."""
        names = [group.name for group in user.groups.all()]
        return ", ".join([_("최고관리자"), *names] if user.is_superuser else names)

    @display(description=gettext_lazy("상태"), label={True: "success", False: ""})
    def active(self, user: User) -> tuple[bool, str]:
        """Return whether the person may enter."""
        may = user.is_active and user.is_staff
        return may, _("사용") if may else _("사용 안 함")

    @display(description=gettext_lazy("2단계 인증"), label={True: "success", False: "warning"})
    def second_factor(self, user: Any) -> tuple[bool, str]:
        """Return whether the person has set up an authenticator app."""
        return user.has_app, _("등록됨") if user.has_app else _("미등록")

    @display(description=gettext_lazy("로그인 잠금"), label={True: "danger", False: ""})
    def lock(self, user: Any) -> tuple[bool, str]:
        """Return whether the person's logins are refused now."""
        return user.is_locked, _("잠김") if user.is_locked else ""

    @display(description=gettext_lazy("마지막 로그인"), ordering="last_login")
    def seen(self, user: User) -> str:
        """Return when the person logged in last."""
        return columns.moment(user.last_login) or "-"

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Everybody here works in the back office."""
        obj.is_staff = True
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[URLPattern]:
        """Add the addresses of the buttons."""
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/unlock/", view(self.unlock), name="people_unlock"),
            path("<int:pk>/reset-two-factor/", view(self.reset_two_factor), name="people_reset_two_factor"),
            *super().get_urls(),
        ]

    @method_decorator(require_POST)
    def unlock(self, request: HttpRequest, pk: int) -> HttpResponse:
        """잠금 해제."""
        user = self._person(request, pk)
        lockout.unlock(user)
        audit.record(request, user, events.UNLOCKED)
        messages.success(request, _("로그인 잠금을 풀었습니다."))
        return redirect("admin:auth_user_change", pk)

    @method_decorator(require_POST)
    def reset_two_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """2단계 인증 초기화."""
        user = self._person(request, pk)
        two_factor.reset(user)
        audit.record(request, user, events.TWO_FACTOR_RESET)
        messages.success(request, _("2단계 인증을 초기화했습니다. 다음 로그인 때 앱을 새로 등록합니다."))
        return redirect("admin:auth_user_change", pk)

    def _person(self, request: HttpRequest, pk: int) -> User:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(User, pk=pk)


@admin.register(Group)
class RoleAdmin(ForSuperusers, GroupAdmin, ModelAdmin):
    """역할. Those of the product are as people/roles.py says; others may be made beside them."""

    list_display = ("name", "says", "people")
    ordering = ("pk",)
    readonly_fields: ClassVar[tuple[str, ...]] = ("says", "permits")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Add how many people have the role."""
        found: QuerySet[Group] = super().get_queryset(request)
        return found.annotate(how_many=Count("user"))

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        """Let those who may not change a role read in words what it permits."""
        may = self.has_change_permission(request, obj)
        return ("name", "says", "permissions" if may else "permits")

    def formfield_for_manytomany(self, db_field: Any, request: Any = None, **kwargs: Any) -> Any:
        """Offer what the pages here need."""
        if db_field.name == "permissions":
            kwargs["form_class"] = permits.PermissionsField
            offered = Permission.objects.filter(content_type__app_label__in=permits.APPS)
            kwargs["queryset"] = offered.select_related("content_type")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Every migrate would undo it for the product's own."""
        return super().has_change_permission(request, obj) and not _is_ours(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """As changing."""
        return super().has_delete_permission(request, obj) and obj is not None and not _is_ours(obj)

    @display(description=gettext_lazy("하는 일"))
    def says(self, group: Group) -> str:
        """Return what the role is for."""
        return str(ROLES[group.name].says) if group.name in ROLES else "-"

    @display(description=gettext_lazy("권한"))
    def permits(self, group: Group) -> str:
        """Return what the role permits, a line for each table."""
        found = permits.by_table(group.permissions.select_related("content_type"))
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in found))

    @display(description=gettext_lazy("인원"))
    def people(self, group: Any) -> str:
        """Return how many people have it."""
        return _("%s명") % group.how_many


def _is_ours(obj: Model | None) -> bool:
    return obj is not None and getattr(obj, "name", "") in ROLES
