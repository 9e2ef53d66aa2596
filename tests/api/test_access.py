"""Who may do what by the API."""

import pytest
from django.contrib.auth.models import AnonymousUser, Permission

from products.api.access import Scope, require
from products.api.problems import Problem

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(django_user_model):
    return django_user_model.objects.create(username="clerk")


def refusal(rf, method, user, scope):
    """The status of what keeps a user from a scope; None where nothing does."""
    request = getattr(rf, method)("/api/v1/search")
    request.user = user
    try:
        require(request, scope)
    except Problem as err:
        return err.status
    return None


def test_a_stranger_needs_a_key(rf):
    assert refusal(rf, "get", AnonymousUser(), Scope.EXPLAIN) == 401
    assert refusal(rf, "get", AnonymousUser(), Scope.WRITE) == 401


def test_a_user_needs_the_permission(rf, clerk):
    assert refusal(rf, "get", clerk, Scope.EXPLAIN) == 403

    clerk.user_permissions.set(Permission.objects.filter(codename="view_product"))
    clerk = type(clerk).objects.get()  # permissions are remembered

    assert refusal(rf, "get", clerk, Scope.EXPLAIN) is None
    assert refusal(rf, "get", clerk, Scope.WRITE) == 403


def test_a_session_changes_nothing(rf, admin_user):
    assert refusal(rf, "get", admin_user, Scope.WRITE) is None
    assert refusal(rf, "put", admin_user, Scope.WRITE) == 401
