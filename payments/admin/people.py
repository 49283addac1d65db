"""직원: who may enter the back office. Django's own pages in the back office's look."""

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from merchants.crafted import RefusesCrafted

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class StaffAdmin(RefusesCrafted, UserAdmin, ModelAdmin):  # type: ignore[type-arg]  # not generic when it runs
    """직원."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class RoleAdmin(RefusesCrafted, GroupAdmin, ModelAdmin):
    """Groups of permissions."""
