#!/usr/bin/python3
"""Statements that a driver prepared in the protocol keep their plans. A plan made before anybody authenticated, under
another tenant, by another role, or before a declaration was taken back, must give the rows of whoever executes it, or
an error: never the rows of whoever it was made for."""
import threading

import libpq
from cluster import Cluster, Tap, tenant_id, token

ACME, GLOBEX = 1, 2
OWN = "SELECT tenant_id::text, count(*)::text FROM customers GROUP BY 1"
CANARY = "SELECT notes FROM customers WHERE notes LIKE 'canary-%'"

tap = Tap()


def outcome(act, *arguments):
    try:
        return act(*arguments)
    except libpq.Error as error:
        return error.sqlstate


class Application:
    """A connection as the application's role, with transactions by tenant."""

    def __init__(self, cluster, user="app"):
        self.connection = libpq.Connection(cluster.conninfo(user))
        self.prepare = self.connection.prepare

    def as_tenant(self, number, name, *parameters):
        """Executes a prepared statement in a transaction of a tenant."""
        self.connection.simple("BEGIN")
        self.connection.extended("SELECT tenant_guard.authenticate($1)", token(number))
        answer = outcome(self.connection.execute, name, *parameters)
        self.connection.simple("ROLLBACK")
        return answer

    def as_nobody(self, name, *parameters):
        return outcome(self.connection.execute, name, *parameters)

    def prepare_as_tenant(self, number, *statements):
        self.connection.simple("BEGIN")
        self.connection.extended("SELECT tenant_guard.authenticate($1)", token(number))
        for name, sql in statements:
            self.prepare(name, sql)
            # More than five executions: from the sixth on the server may keep a generic plan.
            for _ in range(7):
                self.connection.execute(name)
        self.connection.simple("COMMIT")


def rows_of(cluster, number):
    count = cluster.psql("-c", f"SELECT count(*) FROM customers WHERE tenant_id = '{tenant_id(number)}'")
    return [(tenant_id(number), count)]


def check_prepared_before_authenticating(cluster):
    app = Application(cluster)
    prepared = outcome(app.prepare, "own", OWN)
    tap.ok(prepared in (None, "28000"), "before authenticating, a statement is prepared or refused", prepared)
    if prepared is None:
        tap.equal(app.as_nobody("own"), "28000", "prepared by nobody, executed by nobody: refused")
        tap.equal(app.as_tenant(ACME, "own"), rows_of(cluster, ACME), "prepared by nobody: Acme's rows for Acme")
        tap.equal(app.as_tenant(GLOBEX, "own"), rows_of(cluster, GLOBEX), "and Globex's for Globex")


def check_prepared_under_another_tenant(cluster):
    app = Application(cluster)
    app.prepare_as_tenant(ACME, ("own", OWN), ("canary", CANARY))
    tap.equal(app.as_tenant(GLOBEX, "own"), rows_of(cluster, GLOBEX), "prepared by Acme: Globex's rows for Globex")
    tap.equal(app.as_tenant(GLOBEX, "canary"), [("canary-globex",)], "and Globex's canary")
    tap.equal(app.as_tenant(ACME, "canary"), [("canary-acme",)], "and Acme's for Acme")
    tap.equal(app.as_nobody("canary"), "28000", "and for nobody a refusal")


def check_prepared_statement_that_writes(cluster):
    app = Application(cluster)
    app.connection.simple("BEGIN")
    app.connection.extended("SELECT tenant_guard.authenticate($1)", token(ACME))
    app.prepare("update", "UPDATE customers SET region = region RETURNING tenant_id::text")
    app.prepare("insert", "INSERT INTO products (sku, name, category, price) VALUES ($1, 'n', 'c', 1)"
                          " RETURNING tenant_id::text")
    app.prepare("forge", "INSERT INTO products (tenant_id, sku, name, category, price) VALUES ($1::uuid, 's', 'n', 'c', 1)")
    app.connection.execute("update")
    app.connection.simple("ROLLBACK")
    changed = app.as_tenant(GLOBEX, "update")
    tap.equal({row[0] for row in changed}, {tenant_id(GLOBEX)}, "an UPDATE prepared by Acme changes Globex's rows for Globex")
    tap.equal(app.as_tenant(GLOBEX, "insert", "x"), [(tenant_id(GLOBEX),)], "an INSERT's default is the tenant that executes it")
    tap.equal(app.as_tenant(GLOBEX, "forge", tenant_id(ACME)), "42501", "and it cannot name another")
    tap.equal(app.as_nobody("insert", "x"), "28000", "and nobody can execute it")


def check_prepared_by_another_role(cluster):
    # A pool that logs in as an administrator and becomes the application's role: nobody should, some do.
    connection = libpq.Connection(cluster.conninfo("postgres"))
    connection.prepare("all", OWN)
    connection.prepare("forgotten", "SELECT count(*) FROM customer_names")
    tap.ok(len(connection.execute("all")) == 60, "a superuser's statement reads everything")
    connection.simple("SET ROLE app")
    tap.equal(outcome(connection.execute, "all"), "28000", "under the application's role it is refused")
    tap.equal(outcome(connection.execute, "forgotten"), "42501", "so is the forgotten table")
    connection.simple("BEGIN")
    connection.extended("SELECT tenant_guard.authenticate($1)", token(ACME))
    tap.equal(outcome(connection.execute, "all"), rows_of(cluster, ACME), "with a token it reads Acme's rows")
    connection.simple("ROLLBACK")

    connection = libpq.Connection(cluster.conninfo("postgres"))
    connection.prepare("all", OWN)
    connection.execute("all")
    connection.simple("BEGIN")
    connection.extended("SELECT tenant_guard.authenticate($1)", token(ACME))
    tap.equal(outcome(connection.execute, "all"), "42501",
              "a superuser who has authenticated is refused: row security would not apply")
    connection.simple("ROLLBACK")


def check_function_that_keeps_its_plan(cluster):
    """A function in SQL plans once for the statement that calls it: here as a role that sees everything, which it then does not."""
    cluster.psql("-c", "SELECT tenant_guard.guard_role('app', 'authenticated')",
                 "-c", "CREATE FUNCTION seen() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM customers'",
                 "-c", "CREATE FUNCTION wait_for_change() RETURNS text LANGUAGE plpgsql AS $$ BEGIN"
                       " WHILE (SELECT rolbypassrls FROM pg_roles WHERE rolname = 'app') LOOP PERFORM pg_sleep(0.05); END LOOP;"
                       " RETURN ''; END $$",
                 "-c", "CREATE FUNCTION wait_long() RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(2); RETURN true; END $$",
                 "-c", "CREATE FUNCTION seen_late() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT count(*) FROM customers WHERE wait_long()'")

    def answer_of(select):
        cluster.psql("-c", "ALTER ROLE app BYPASSRLS")
        app = Application(cluster)
        app.connection.simple("BEGIN")
        changing = threading.Timer(1, cluster.psql, ("-c", "ALTER ROLE app NOBYPASSRLS"))
        changing.start()
        answer = outcome(app.connection.simple, select)
        changing.join()
        app.connection.simple("ROLLBACK")
        return answer

    def is_safe(answer):
        """An error, or of the rows after authentication only Acme's: PostgreSQL 18 plans the function anew."""
        if answer == "40001":
            return True
        ids = [row[2] for row in answer]
        return tenant_id(ACME) in ids and {row[1] for row in answer[ids.index(tenant_id(ACME)) + 1:]} == {own}

    own = rows_of(cluster, ACME)[0][1]
    authenticates = f"tenant_guard.authenticate('{token(ACME)}')"
    for name, select in {
            "a plan of before a role lost BYPASSRLS does not go on under a tenant":
            f"SELECT i, seen(), CASE i WHEN 2 THEN wait_for_change() WHEN 4 THEN {authenticates} END FROM generate_series(1, 6) i",
            "nor does one that was being made when it lost it":
            f"SELECT i, seen_late(), CASE i WHEN 2 THEN {authenticates} END FROM generate_series(1, 4) i"}.items():
        answer = answer_of(select)
        tap.ok(is_safe(answer), name, answer)
    app = Application(cluster)
    app.connection.simple("BEGIN")
    app.connection.extended("SELECT tenant_guard.authenticate($1)", token(ACME))
    tap.equal(outcome(app.connection.simple, "SELECT seen()"), [(own,)], "the next attempt gives Acme's rows")
    app.connection.simple("ROLLBACK")
    cluster.psql("-c", "SELECT tenant_guard.guard_role('app')", "-c", "DROP FUNCTION seen(), wait_for_change(), seen_late(), wait_long()")


def check_declaration_taken_back(cluster):
    app = Application(cluster)
    shared = "SELECT count(*)::text FROM countries"
    app.prepare_as_tenant(ACME, ("shared", shared))
    tap.equal(app.as_tenant(ACME, "shared"), [("40",)], "shared data is read")
    cluster.psql("-c", "SELECT tenant_guard.undeclare_shared('countries')")
    tap.equal(app.as_tenant(ACME, "shared"), "42501", "taken back: the prepared statement is refused")
    tap.equal(app.as_tenant(GLOBEX, "shared"), "42501", "for every tenant")
    cluster.psql("-c", "SELECT tenant_guard.declare_shared('countries', 'again')")
    tap.equal(app.as_tenant(ACME, "shared"), [("40",)], "declared again: it is read")


def check_protection_that_comes_and_goes(cluster):
    cluster.psql("-c", "SET tenant_guard.auto_protect = off",
                 "-c", "CREATE TABLE notes AS SELECT id AS tenant_id, slug AS note FROM tenants",
                 "-c", "GRANT ALL ON notes TO app", "-c", "SELECT tenant_guard.declare_shared('notes', 'at first')")
    app = Application(cluster)
    app.prepare_as_tenant(ACME, ("notes", "SELECT note FROM notes ORDER BY note LIMIT 2"))
    cluster.psql("-c", "SELECT tenant_guard.undeclare_shared('notes')", "-c", "SELECT tenant_guard.protect('notes')")
    tap.equal(app.as_tenant(ACME, "notes"), [("acme",)], "protected: a plan made while it was shared is isolated")
    tap.equal(app.as_tenant(GLOBEX, "notes"), [("globex",)], "for the next tenant, too")
    cluster.psql("-c", "SELECT tenant_guard.unprotect('notes')")
    tap.equal(app.as_tenant(ACME, "notes"), "42501", "unprotected: it is refused")


def check_extended_protocol_refuses_the_same(cluster):
    app = Application(cluster).connection
    for sql, sqlstate in (("SELECT notes FROM customers", "28000"), ("SELECT full_name FROM customer_names", "42501"),
                          ("SET search_path = pg_temp", "42501"), ("SET tenant_guard.tenant_id = 'x'", "42501"),
                          ("LISTEN a", "42501"), ("COPY customer_names TO STDOUT", "42501"),
                          ("SELECT tenant_guard.authenticate('x')", "28T03")):
        tap.equal(outcome(app.extended, sql), sqlstate, f"in the extended protocol: {sql}")
    app.prepare("p", "SELECT tenant_guard.authenticate($1)")
    for number in (ACME, GLOBEX, ACME):
        app.simple("BEGIN")
        tap.equal(app.execute("p", token(number)), [(tenant_id(number),)], f"authenticate() as a prepared statement, tenant {number}")
        tap.equal(app.extended(OWN), rows_of(cluster, number), "and its rows")
        app.simple("COMMIT")
        tap.equal(outcome(app.extended, OWN), "28000", "and nothing after COMMIT")
    # Without BEGIN each Execute is a transaction.
    app.execute("p", token(ACME))
    tap.equal(outcome(app.extended, OWN), "28000", "outside a transaction block the tenant is gone with the statement")


with Cluster() as cluster:
    check_prepared_before_authenticating(cluster)
    check_prepared_under_another_tenant(cluster)
    check_prepared_statement_that_writes(cluster)
    check_prepared_by_another_role(cluster)
    check_function_that_keeps_its_plan(cluster)
    check_declaration_taken_back(cluster)
    check_protection_that_comes_and_goes(cluster)
    check_extended_protocol_refuses_the_same(cluster)
tap.finish()
