#!/usr/bin/python3
"""Django: migrations as the owner, requests and the ORM as the guarded role, introspection, and what stays refused."""
import contextlib
import io
import os
import sys
import warnings

from shop import ACME_TOKEN, GLOBEX, GLOBEX_TOKEN, ACME, HERE, ShopCluster, Tap

sys.path.insert(0, str(HERE))
os.environ["DJANGO_SETTINGS_MODULE"] = "django_shop.settings"

SHARED = {
    "django_migrations": "which migrations ran",
    "django_content_type": "names of models",
    "auth_permission": "names of permissions",
    "auth_group": "groups of the vendor",
    "auth_group_permissions": "groups of the vendor",
    "django_shop_country": "ISO 3166",
}
DERIVED = {
    "django_shop_order_tags": "django_shop_order",
    "django_shop_user_groups": "django_shop_user",
    "django_shop_user_user_permissions": "django_shop_user",
}


def migrate(target=None):
    from django.core.management import call_command
    arguments = [] if target is None else ["django_shop", target]
    call_command("migrate", *arguments, database="owner", verbosity=0)


@contextlib.contextmanager
def as_tenant(token):
    from django.db import transaction
    from django_shop.middleware import authenticate
    with transaction.atomic():
        authenticate(token)
        yield


def sqlstate(act):
    """The SQLSTATE with which it fails, in a savepoint of its own; None if it does not."""
    from django.db import Error, transaction
    try:
        with transaction.atomic():
            act()
    except Error as error:
        return error.__cause__.pgcode
    return None


def prepare(tap, cluster):
    from django_shop.models import Country
    migrate("0001")
    statuses = cluster.statuses()
    made = {name: statuses.get(f"django_shop_{name}") for name in ("user", "customer", "tag", "order")}
    tap.equal(made, dict.fromkeys(made, "protected"), "a table with a tenant column is protected as migrate makes it")
    tap.equal({statuses[name] for name in (*SHARED, *DERIVED)}, {"unprotected"},
              "one without is not, and protection says so")
    for relation, reason in SHARED.items():
        cluster.admin(f"SELECT tenant_guard.declare_shared('{relation}', '{reason}')")
    for relation, parent in DERIVED.items():
        cluster.protect_via(relation, parent)
    tap.ok("unprotected" not in cluster.statuses().values(), "after six declarations and three protections none is left",
           cluster.statuses())
    Country.objects.using("owner").bulk_create([Country(code="DE", name="Germany"), Country(code="JP", name="Japan")])
    migrate("0002")
    tap.equal(cluster.statuses()["django_shop_invoice"], "protected", "a later migration's table is protected too")
    cluster.grant_crud()


def check_data_migration(tap):
    from django.db import connections
    from django_shop.models import Customer
    try:
        Customer.objects.using("owner").update(email="lost")
        tap.ok(False, "a data migration over all tenants on the owner's connection is refused")
    except Exception as error:  # pylint: disable=broad-except
        tap.ok("row-level security" in str(error),
               "a data migration over all tenants on the owner's connection is refused", error)
    connections["owner"].close()
    migrate()
    for name, token in (("Acme", ACME_TOKEN), ("Globex", GLOBEX_TOKEN)):
        with as_tenant(token):
            tap.equal(set(Customer.objects.values_list("email", flat=True)),
                      {f"{customer}@example.com" for customer in Customer.objects.values_list("name", flat=True)},
                      f"on the maintenance connection it reaches the rows of {name}")


def check_writing(tap):
    from django.contrib.auth.models import Group, Permission
    from django_shop.models import Customer, Order, Tag, User
    for name, token in (("acme", ACME_TOKEN), ("globex", GLOBEX_TOKEN)):
        with as_tenant(token):
            customer = Customer.objects.create(name=f"{name} first", country_id="DE", attributes={"vip": True})
            Customer.objects.bulk_create(Customer(name=f"{name} {n}", country_id="JP") for n in range(5))
            order = Order.objects.create(customer=customer, total="12.50")
            order.tags.set([Tag.objects.create(name=f"{name} tag {n}") for n in range(3)])
            order.tags.remove(order.tags.first())
            _, is_new = Tag.objects.get_or_create(name=f"{name} tag 2")
            user = User.objects.create_user("jo", password="a long password of jo")
            user.user_permissions.add(Permission.objects.get(codename="add_order"))
            tap.equal((is_new, order.tags.count(), user.has_perm("django_shop.add_order"), Group.objects.count()),
                      (False, 2, True, 0), f"{name} writes, also through tables in between")


def check_reading(tap):
    from django.db import transaction
    from django.db.models import Count, Sum
    from django_shop.models import Country, Customer, Order, Tag, User
    with as_tenant(ACME_TOKEN):
        tap.equal(Customer.objects.count(), 6, "a tenant counts its own rows")
        tap.equal({str(row.tenant_id) for row in Customer.objects.all()}, {ACME}, "and sees no other's")
        tap.equal(Customer.objects.filter(attributes__vip=True).get().name, "acme first", "it looks into JSON")
        tap.equal(sorted(Country.objects.annotate(n=Count("customer")).values_list("code", "n")),
                  [("DE", 1), ("JP", 5)], "it joins and counts across shared data")
        order = Order.objects.select_related("customer__country").prefetch_related("tags").get()
        tap.equal((order.customer.country.name, len(order.tags.all())), ("Germany", 2), "it follows relations")
        tap.equal(Order.objects.aggregate(total=Sum("total"))["total"], order.total, "it aggregates")
        tap.equal(User.objects.get(username="jo").check_password("a long password of jo"), True,
                  "the same user name in two tenants is two users")
        with transaction.atomic():
            row = Customer.objects.select_for_update().get(name="acme 1")
            row.name = "acme one"
            row.save()
        Customer.objects.filter(name="acme 2").delete()
        tap.equal(len(list(Customer.objects.iterator(chunk_size=2))), 5, "it iterates with a server-side cursor")
        tap.equal(Tag.objects.raw("SELECT * FROM django_shop_tag ORDER BY id")[0].name.split()[0], "acme", "it runs raw SQL")
    with as_tenant(GLOBEX_TOKEN):
        tap.equal(Customer.objects.filter(name__startswith="globex").count(), 6, "the other tenant has what it wrote")
        tap.equal(Customer.objects.exclude(name__startswith="globex").count(), 0, "and nothing else")


def check_requests(tap):
    from django.test import Client
    client = Client(raise_request_exception=False)
    for name, token in (("acme", ACME_TOKEN), ("globex", GLOBEX_TOKEN)):
        names = client.get("/customers", HTTP_AUTHORIZATION=f"Bearer {token}").json()["customers"]
        tap.ok(names and all(customer.startswith(name) for customer in names), f"a request of {name} shows its rows", names)
    tap.equal(client.get("/customers").status_code, 401, "one without a token is turned away by the application")
    tap.equal(client.get("/customers", HTTP_AUTHORIZATION=f"Bearer {ACME_TOKEN[:-4]}AAAA").status_code, 500,
              "one with a forged token is refused by the database")


def check_refusals(tap):
    from django.db import connection
    from django_shop.models import Country, Customer
    tap.equal(sqlstate(Customer.objects.count), "28000", "without a token the same query is refused")
    with as_tenant(ACME_TOKEN):
        tap.equal(sqlstate(lambda: Customer.objects.create(name="x", country_id="DE", tenant_id=GLOBEX)), "42501",
                  "a row cannot be given to another tenant")
        tap.equal(Customer.objects.filter(tenant_id=GLOBEX).update(name="stolen"), 0, "another tenant's rows do not change")
        tap.equal(sqlstate(lambda: Country.objects.create(code="XX", name="x")), "42501", "shared data is read only")

        def execute(statement):
            with connection.cursor() as cursor:
                cursor.execute(statement)
        tap.equal(sqlstate(lambda: execute("SET search_path = pg_temp")), "42501", "raw SQL leaves nothing on the connection")
        tap.equal(sqlstate(lambda: execute("SET LOCAL search_path = public")), None, "what lasts for the transaction is fine")


def check_introspection(tap):
    from django.core.management import call_command
    from django.db import connection
    with as_tenant(ACME_TOKEN):
        printed = io.StringIO()
        call_command("inspectdb", stdout=printed, include_partitions=True)
        text = printed.getvalue()
        tap.ok("class DjangoShopCustomer(models.Model)" in text and "tenant_id = models.UUIDField()" in text
               and "Unable to inspect" not in text, "inspectdb describes the schema", text)
        with connection.cursor() as cursor:
            names = connection.introspection.get_constraints(cursor, "django_shop_customer")
        tap.ok("customer_name" in names, "constraints and indexes are introspected", names)


def main():
    tap = Tap()
    # Django 3.2 on Python 3.11: nothing of ours.
    warnings.simplefilter("ignore")
    with ShopCluster() as cluster:
        os.environ["PGHOST"], os.environ["PGPORT"] = str(cluster.directory), str(cluster.port)
        import django
        from django.db import connections
        django.setup()
        prepare(tap, cluster)
        check_writing(tap)
        check_reading(tap)
        check_data_migration(tap)
        check_requests(tap)
        check_refusals(tap)
        check_introspection(tap)
        connections.close_all()
    tap.finish()


main()
