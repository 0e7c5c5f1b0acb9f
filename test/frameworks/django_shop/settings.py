"""Three connections: the application's, the one that migrates, the one for data migrations over all tenants."""
import os

SECRET_KEY = "only for tests"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "django_shop.User"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "django_shop"]
MIDDLEWARE = ["django_shop.middleware.TenantMiddleware"]
ROOT_URLCONF = "django_shop.urls"
ALLOWED_HOSTS = ["testserver"]
# Usernames are unique within a tenant; who logs in is the token issuer's business.
SILENCED_SYSTEM_CHECKS = ["auth.E003", "auth.W004"]


def _connection(user):
    return {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ["PGHOST"],
        "PORT": os.environ["PGPORT"],
        "NAME": "shop",
        "USER": user,
    }


DATABASES = {
    "default": _connection("app"),
    "owner": _connection("shop_owner"),
    "maintenance": _connection("shop_maintenance"),
}
