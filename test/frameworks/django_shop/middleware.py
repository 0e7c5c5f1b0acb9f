"""A request is one transaction, and the first statement in it says for whom."""
import contextvars

from django.db import connection, transaction
from django.http import HttpResponse

_tenant = contextvars.ContextVar("tenant", default=None)


def current_tenant():
    """The tenant of the request; None, which no tenant column takes, outside of one."""
    return _tenant.get()


def authenticate(token):
    """Hands the token to the database, which verifies it; to be called first in a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_guard.authenticate(%s)", [token])
        _tenant.set(cursor.fetchone()[0])


class TenantMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer":
            return HttpResponse(status=401)
        with transaction.atomic():
            authenticate(token)
            return self.get_response(request)
