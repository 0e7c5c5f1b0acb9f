#!/usr/bin/python3
"""SQLAlchemy and Alembic: migrations as the owner, the ORM as the guarded role, reflection, and what stays refused."""
import sys

import sqlalchemy
from alembic import command, config
from sqlalchemy import func, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import joinedload, selectinload

from shop import ACME, ACME_TOKEN, GLOBEX, GLOBEX_TOKEN, HERE, ShopCluster, Tap

sys.path.insert(0, str(HERE))
from sqlalchemy_shop.models import Base, Country, Customer, Order, Tag, TenantSession  # noqa: E402

SHARED = {"alembic_version": "which migrations ran", "countries": "ISO 3166"}


def connect(cluster, user, **options):
    return sqlalchemy.create_engine(f"postgresql+psycopg2://{user}@/shop?host={cluster.directory}&port={cluster.port}",
                                    **options)


def as_tenant(engine, token):
    return TenantSession(engine, info={"token": token}, future=True)


def sqlstate(session, act):
    """The SQLSTATE with which it fails, in a savepoint of its own; None if it does not."""
    try:
        with session.begin_nested():
            act()
            session.flush()
    except DBAPIError as error:
        return error.orig.pgcode
    return None


def migrate(tap, cluster):
    owner = connect(cluster, "shop_owner")
    alembic = config.Config()
    alembic.set_main_option("script_location", str(HERE / "sqlalchemy_shop/migrations"))
    alembic.attributes["metadata"] = Base.metadata
    with owner.begin() as connection:
        alembic.attributes["connection"] = connection
        command.upgrade(alembic, "a2")
        command.downgrade(alembic, "a1")
        command.upgrade(alembic, "head")
    tap.equal(cluster.statuses(), {
        "customers": "protected", "orders": "protected", "tags": "protected",
        "countries": "unprotected", "order_tags": "unprotected", "alembic_version": "unprotected",
    }, "tables with a tenant column are protected as Alembic makes them, the others are named")
    for relation, reason in SHARED.items():
        cluster.admin(f"SELECT tenant_guard.declare_shared('{relation}', '{reason}')")
    cluster.protect_via("order_tags", "orders")
    tap.ok("unprotected" not in cluster.statuses().values(), "after three statements none is left open", cluster.statuses())
    with owner.begin() as connection:
        connection.execute(Country.__table__.insert(), [{"code": "DE", "name": "Germany"}, {"code": "JP", "name": "Japan"}])
    owner.dispose()
    cluster.grant_crud()


def check_writing(tap, engine):
    for name, token, tenant in (("acme", ACME_TOKEN, ACME), ("globex", GLOBEX_TOKEN, GLOBEX)):
        with as_tenant(engine, token) as session:
            tags = [Tag(name=f"{name} tag {n}") for n in range(3)]
            first = Customer(name=f"{name} first", country_code="DE", attributes={"vip": True},
                             orders=[Order(total="12.50", tags=tags)])
            session.add(first)
            session.add_all(Customer(name=f"{name} {n}", country_code="JP") for n in range(5))
            session.commit()
            tap.equal(first.tenant_id, tenant, f"{name} writes, and the database fills in the tenant")
            first.orders[0].tags.pop()
            session.commit()
            tap.equal(len(first.orders[0].tags), 2, f"{name} writes through the table in between, in a second transaction")


def check_reading(tap, engine):
    with as_tenant(engine, ACME_TOKEN) as session:
        tap.equal(session.scalar(select(func.count()).select_from(Customer)), 6, "a tenant counts its own rows")
        tap.equal(set(session.scalars(select(Customer.tenant_id))), {ACME}, "and sees no other's")
        order = session.scalars(select(Order).options(joinedload(Order.customer).joinedload(Customer.country),
                                                      selectinload(Order.tags))).one()
        tap.equal((order.customer.country.name, len(order.tags)), ("Germany", 2), "it loads relations, joined and by IN")
        tap.equal(session.scalars(select(Customer.name).where(Customer.attributes["vip"].as_boolean())).one(), "acme first",
                  "it looks into JSON")
        counts = select(Country.code, func.count(Customer.id)).join(Customer).group_by(Country.code).order_by(Country.code)
        tap.equal([tuple(row) for row in session.execute(counts)], [("DE", 1), ("JP", 5)], "it joins and groups across shared data")
        streamed = session.execute(select(Customer.name).execution_options(stream_results=True, yield_per=2))
        tap.equal(len(list(streamed)), 6, "it streams with a server-side cursor")
        with session.begin_nested():
            session.scalars(select(Customer).where(Customer.name == "acme 1").with_for_update()).one().name = "acme one"
        session.execute(update(Customer).where(Customer.name == "acme 2").values(attributes={"seen": True}))
        session.delete(session.scalars(select(Customer).where(Customer.name == "acme 3")).one())
        session.commit()
        tap.equal(session.scalar(select(func.count()).select_from(Customer)), 5, "it updates, locks and deletes")
    with as_tenant(engine, GLOBEX_TOKEN) as session:
        tap.equal(set(session.scalars(select(Customer.tenant_id))), {GLOBEX}, "the next user of the connection sees its own")


def check_refusals(tap, engine):
    try:
        with engine.connect() as connection:
            connection.execute(select(Customer))
        tap.ok(False, "without a token the same query is refused")
    except DBAPIError as error:
        tap.equal(error.orig.pgcode, "28000", "without a token the same query is refused")
    with as_tenant(engine, ACME_TOKEN) as session:
        tap.equal(sqlstate(session, lambda: session.add(Tag(name="x", tenant_id=GLOBEX))), "42501",
                  "a row cannot be given to another tenant")
        stolen = session.execute(update(Tag).where(Tag.tenant_id == GLOBEX).values(name="stolen")
                                 .execution_options(synchronize_session=False))
        tap.equal(stolen.rowcount, 0, "another tenant's rows do not change")
        tap.equal(sqlstate(session, lambda: session.add(Country(code="XX", name="x"))), "42501", "shared data is read only")
        tap.equal(sqlstate(session, lambda: session.execute(text("SET search_path = pg_temp"))), "42501",
                  "raw SQL leaves nothing on the connection")
        tap.equal(sqlstate(session, lambda: session.execute(text("SET LOCAL search_path = public"))), None,
                  "what lasts for the transaction is fine")


def check_introspection(tap, engine):
    with as_tenant(engine, ACME_TOKEN) as session:
        inspector = inspect(session.connection())
        tap.ok({"customers", "orders", "order_tags"} <= set(inspector.get_table_names()), "the inspector lists tables")
        columns = {column["name"]: column for column in inspector.get_columns("customers")}
        tap.ok(columns["tenant_id"]["nullable"] is False and "tenant_guard" in columns["tenant_id"]["default"],
               "and describes columns, the tenant column's default included", columns)
        tap.equal((inspector.get_unique_constraints("customers")[0]["column_names"],
                   inspector.get_foreign_keys("orders")[0]["referred_table"],
                   inspector.get_indexes("orders")[0]["column_names"], inspector.get_check_constraints("orders")),
                  (["tenant_id", "name"], "customers", ["tenant_id", "id"], []), "and constraints and indexes")
        reflected = sqlalchemy.MetaData()
        reflected.reflect(session.connection())
        tap.equal(session.execute(select(func.count()).select_from(reflected.tables["tags"])).scalar(), 3,
                  "a reflected table is read like a declared one")


def main():
    tap = Tap()
    with ShopCluster() as cluster:
        migrate(tap, cluster)
        # One connection, so that each user gets the one before's.
        engine = connect(cluster, "app", pool_size=1, max_overflow=0)
        check_writing(tap, engine)
        check_reading(tap, engine)
        check_refusals(tap, engine)
        check_introspection(tap, engine)
        engine.dispose()
    tap.finish()


main()
