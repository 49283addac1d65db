"""Lists and pages of records: read-only, and as quick with millions of rows as with ten."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import User
from django.core.exceptions import FieldDoesNotExist, ObjectDoesNotExist, PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from payments import staff


class CappedPaginator(Paginator):  # type: ignore[type-arg]  # not generic when it runs
    """Counts no further than MOST rows: who looks for an older one narrows the search."""

    MOST = 10_000
    template_name = "admin/payments/pagination.html"

    @cached_property
    def count(self) -> int:
        """How many rows there are, up to MOST."""
        rows: Any = self.object_list
        return int(rows.order_by()[: self.MOST].count())

    @property
    def is_capped(self) -> bool:
        """Whether there may be more rows than were counted."""
        return self.count >= self.MOST


class RecordList(ChangeList):
    """A list that reads only what it shows."""

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Any]:
        """Leave out all the rest: bodies, addresses, encrypted columns."""
        if any("\0" in str(value) for value in self.params.values()):
            raise IncorrectLookupParameters  # the database has no such text
        return super().get_queryset(*args, **kwargs).only(*self.model_admin.list_only)

    def get_results(self, request: HttpRequest) -> None:
        """Count once: the whole table is never counted beside what was found in it."""
        super().get_results(request)
        self.full_result_count = self.result_count


class RecordAdmin(ModelAdmin):
    """A table of what happened: searched, filtered and looked at, never edited."""

    actions = None
    list_per_page = 50
    list_fullwidth = True
    list_filter_submit = True
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    paginator = CappedPaginator
    # Any value makes Django draw the search box; the finding itself is in ``find``.
    search_fields: Sequence[str] = ("pk",)
    list_only: ClassVar[tuple[str, ...]]
    page_template: ClassVar[str]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[RecordList]:
        """Return the kind of list."""
        return RecordList

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody writes records by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody rewrites records."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody removes records."""
        return False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Filter by what the list offers: any other condition would guess at secrets or read a whole table."""
        offered = {f"{one[0]}__exact" if isinstance(one, tuple) else one.parameter_name for one in self.list_filter}
        name = lookup.partition("__")[0]
        return lookup in offered or not (name == "pk" or _has_field(self.model, name))

    def may_act(self, request: HttpRequest) -> bool:
        """Whether this person may press the buttons of these pages."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find by whole numbers only, each through its own index."""
        term = search_term.strip()
        return (self.find(queryset, term) if term else queryset), False

    def find(self, rows: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return those of ``rows`` that ``term`` names."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one record."""
        record = self.get_object(request, unquote(object_id))
        if request.method != "GET" or not self.has_view_permission(request, record):
            raise PermissionDenied
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return self.show(request, record)

    def show(self, request: HttpRequest, record: Any, **more: Any) -> HttpResponse:
        """Return the page of one record; ``more`` replaces parts of what it shows."""
        context = {
            **self.admin_site.each_context(request),
            "title": str(record),
            "opts": self.opts,
            "original": record,
            "may_act": self.may_act(request),
            **self.page(request, record),
            **more,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.page_template, context)

    def say_again(self, request: HttpRequest, pk: int, form: Any) -> HttpResponse:
        """Show the page with ``form``, which was not filled in well."""
        if not self.may_act(request):
            raise PermissionDenied
        return self.show(request, get_object_or_404(self.get_queryset(request), pk=pk), form=form)

    def page(self, request: HttpRequest, record: Any) -> dict[str, Any]:
        """Return what the page of one record shows."""
        raise NotImplementedError

    def act(self, request: HttpRequest, wish: Any, pk: int, done: str) -> None:
        """Fulfil a wish of staff, ``wish(pk, username)``, and say how it went."""
        if not self.may_act(request):
            raise PermissionDenied
        try:
            wish(pk, request.user.get_username())
        except ObjectDoesNotExist as error:
            raise Http404 from error
        except staff.NotPossible as obstacle:
            messages.error(request, str(obstacle))
        else:
            messages.success(request, done)


def person(request: HttpRequest) -> User:
    """Return who is logged in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def _has_field(model: type[Model], name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
