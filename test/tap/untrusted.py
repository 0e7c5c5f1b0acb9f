#!/usr/bin/python3
"""SQL of a model or a stranger, over the protocol: the dashboards of the sample run unchanged under the untrusted profile and
through query(); what was prepared, opened or configured before does not get round it; and limits hold for portals that are run piece by
piece."""
import json
import pathlib

import libpq
import protocol
from cluster import TEST, Cluster, Tap, token

ACME = 1
UNTRUSTED = {"tenant_guard_profile": "untrusted"}
BOMB = "WITH RECURSIVE bomb AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM bomb) SELECT count(*) FROM bomb"

tap = Tap()


def outcome(act, *arguments):
    try:
        return act(*arguments)
    except (libpq.Error, protocol.Error) as error:
        return error.sqlstate


def connect(cluster, user="app", more=""):
    return libpq.Connection(cluster.conninfo(user) + more)


def in_transaction(app, claims, act, *arguments):
    app.simple("BEGIN")
    app.simple(f"SELECT tenant_guard.authenticate('{token(ACME, **claims)}')")
    answer = outcome(act, *arguments)
    app.simple("ROLLBACK")
    return answer


def as_json(app, sql):
    """The rows of a query as the server writes them in JSON, without the guard's profile."""
    rows = app.extended(f"SELECT to_jsonb(q)::text FROM ({sql.rstrip().rstrip(';')}) AS q")
    return [json.loads(row[0]) for row in rows]


def check_dashboards(cluster):
    app = connect(cluster)
    for file in sorted(pathlib.Path(TEST / "sample/dashboards").glob("*.sql")):
        sql = file.read_text(encoding="utf-8")
        trusted = in_transaction(app, {}, app.extended, sql)
        tap.ok(isinstance(trusted, list) and trusted, f"{file.stem}: returns rows", trusted)
        tap.equal(in_transaction(app, UNTRUSTED, app.extended, sql), trusted, f"{file.stem}: the same rows, untrusted")
        answer = app.extended("SELECT q::text FROM tenant_guard.query($1, $2) AS q", token(ACME), sql)
        tap.equal([json.loads(row[0]) for row in answer], in_transaction(app, {}, as_json, app, sql),
                  f"{file.stem}: the same rows through query()")
    app.close()


def check_prepared(cluster):
    cluster.psql("-c", "CREATE FUNCTION counts() RETURNS bigint LANGUAGE sql STABLE AS 'SELECT count(*) FROM orders'",
                 "-c", "CREATE FUNCTION waits() RETURNS text LANGUAGE sql STABLE AS 'SELECT pg_sleep(0)::text'")
    statements = {
        "control": ("SELECT count(*) > 0 FROM customers", [("t",)]),
        "sleeps": ("SELECT pg_sleep(0) FROM customers LIMIT 1", "42501"),
        "catalogs": ("SELECT count(*) > 0 FROM pg_class", "42501"),
        "writes": ("UPDATE customers SET notes = notes", "42501"),
        "locks": ("SELECT id FROM customers LIMIT 1 FOR UPDATE", "42501"),
        "shows": ("SHOW work_mem", "42501"),
        "sets": ("SET LOCAL work_mem = '1MB'", "42501"),
        "function": ("SELECT counts() > 0", "42501"),
        "inlined": ("SELECT waits() FROM customers LIMIT 1", "42501"),
    }
    early = connect(cluster)
    for name, (sql, _) in statements.items():
        early.prepare(name, sql)

    planned = connect(cluster)
    planned.simple("BEGIN")
    planned.extended("SELECT tenant_guard.authenticate($1)", token(ACME))
    for name, (sql, _) in statements.items():
        planned.prepare(name, sql)
        # More than five executions: from the sixth on the server may keep a generic plan.
        tap.ok(all(isinstance(outcome(planned.execute, name), list) for _ in range(7)), f"{name}: runs as an application's")
    planned.simple("COMMIT")

    for name, (_, expected) in statements.items():
        tap.equal(in_transaction(early, UNTRUSTED, early.execute, name), expected,
                  f"{name}: prepared before authenticating")
        tap.equal(in_transaction(planned, UNTRUSTED, planned.execute, name), expected,
                  f"{name}: planned under the application profile")
    early.close()
    planned.close()


def check_portals(cluster):
    rows = "SELECT id FROM orders ORDER BY id"

    def fetch(app, sizes):
        app.open(rows)
        got = [len(app.execute(size)[0]) for size in sizes]
        app.sync()
        return got

    cluster.psql("-c", "ALTER ROLE app SET tenant_guard.untrusted_max_rows = 5")
    app = protocol.Connection(cluster)
    tap.equal(in_transaction(app, {}, fetch, app, [2, 2, 2]), [2, 2, 2], "an application's portal goes on")
    tap.equal(in_transaction(app, UNTRUSTED, fetch, app, [2, 2, 1]), [2, 2, 1], "an untrusted portal, up to the limit")
    tap.equal(in_transaction(app, UNTRUSTED, fetch, app, [2, 2, 2]), "54000", "an untrusted portal, one row too many")
    several = "SELECT id FROM orders LIMIT 5; SELECT id FROM orders LIMIT 5"
    tap.equal(len(in_transaction(app, UNTRUSTED, app.simple, several)), 10, "the limit is one of each statement of a message")
    call = f"SELECT q FROM tenant_guard.query('{token(ACME)}', '{rows}', max_rows => 4) AS q"

    def fetch_answer():
        app.open(call)
        got = [len(app.execute(size)[0]) for size in (1, 3)]
        app.sync()
        return got

    tap.equal(outcome(fetch_answer), [1, 3], "the answer of query() in pieces")
    app.close()
    cluster.psql("-c", "ALTER ROLE app RESET tenant_guard.untrusted_max_rows")


def check_function_calls(cluster):
    app = protocol.Connection(cluster)
    absolute, sleep = (int(cluster.psql("-c", f"SELECT '{name}'::regprocedure::oid"))
                       for name in ("abs(int4)", "pg_sleep(float8)"))
    tap.equal(in_transaction(app, {}, app.call, sleep, "0"), "", "a function call as an application")
    tap.equal(in_transaction(app, UNTRUSTED, app.call, absolute, "-7"), "7", "a function call of an allowed function")
    tap.equal(in_transaction(app, UNTRUSTED, app.call, sleep, "0"), "42501", "a function call of any other")
    app.close()


def check_time(cluster):
    factorial = int(cluster.psql("-c", "SELECT 'factorial(int8)'::regprocedure::oid"))
    # The role's own limit is longer, and no limit at all: neither counts.
    for role_limit in ("10min", "0"):
        cluster.psql("-c", "ALTER ROLE app SET tenant_guard.untrusted_statement_timeout = '200ms'",
                     "-c", f"ALTER ROLE app SET statement_timeout = '{role_limit}'")
        app = protocol.Connection(cluster)

        def run_portal():
            app.open(BOMB)
            return app.execute(0)

        tap.equal(in_transaction(app, UNTRUSTED, app.simple, BOMB), "57014", f"a bomb ends ({role_limit} for the role)")
        tap.equal(in_transaction(app, UNTRUSTED, run_portal), "57014", "a bomb in a portal ends")
        tap.equal(in_transaction(app, UNTRUSTED, app.call, factorial, "32000"), "57014", "a function call ends")
        tap.equal(in_transaction(app, UNTRUSTED, app.simple, "SELECT 1"), [("1",)], "and the connection goes on")
        app.close()
    tap.equal(outcome(connect(cluster).extended, "SELECT q FROM tenant_guard.query($1, $2) AS q", token(ACME), BOMB), "57014",
              "a bomb in query() ends")
    cluster.psql("-c", "ALTER ROLE app RESET tenant_guard.untrusted_statement_timeout",
                 "-c", "ALTER ROLE app RESET statement_timeout")


def check_role(cluster):
    app = connect(cluster)
    app.simple("BEGIN; PREPARE TRANSACTION 'q'")
    app.close()
    cluster.psql("-c", "ALTER ROLE app SET tenant_guard.profile = 'untrusted'")
    tap.equal(outcome(connect, cluster, "app", " options='-c tenant_guard.profile=application'"), "08001",
              "no connection with another profile than the role's")
    app = connect(cluster)
    tap.equal(in_transaction(app, {}, app.extended, "SELECT count(*) > 0 FROM orders"), [("t",)], "an untrusted role reads")
    tap.equal(in_transaction(app, {}, app.extended, "SELECT pg_sleep(0)"), "42501", "and calls what is on the list")
    tap.equal(outcome(app.extended, "SELECT pg_sleep(0)"), "42501", "also after COMMIT")
    tap.equal(outcome(app.simple, "DISCARD ALL"), [], "DISCARD ALL works")
    tap.equal(outcome(app.simple, "SET TimeZone = 'UTC'"), [], "so does what drivers set as they connect")
    tap.equal(in_transaction(app, {}, app.simple, "SET TimeZone = 'UTC'"), "42501", "but not for a tenant")
    tap.equal(outcome(app.simple, "SET search_path = public"), "42501", "nor other settings")
    tap.equal(in_transaction(app, {}, app.simple, "PREPARE TRANSACTION 'p'"), "42501", "no two-phase commit")
    tap.equal(outcome(app.simple, "ROLLBACK PREPARED 'q'"), "42501", "nor the end of others'")
    tap.equal(outcome(app.simple, "ALTER ROLE app SET tenant_guard.profile = 'application'"), "42501", "ALTER ROLE does not")
    app.close()
    cluster.psql("-c", "ALTER ROLE app RESET tenant_guard.profile", "-c", "ROLLBACK PREPARED 'q'")
    app = connect(cluster)
    tap.equal(in_transaction(app, {}, app.simple, "PREPARE TRANSACTION 'p'"), [], "an application's transaction is prepared")
    cluster.psql("-c", "ROLLBACK PREPARED 'p'")
    app.close()


def check_warn(cluster):
    cluster.psql("-c", "SELECT tenant_guard.guard_role('app', 'warn')")
    app = connect(cluster)
    tap.equal(in_transaction(app, UNTRUSTED, app.extended, "SELECT pg_sleep(0)"), [("",)], "warn refuses nothing")
    tap.ok('event=statement_would_be_refused sqlstate="42501" object="pg_sleep"' in cluster.log.read_text(),
           "and logs what would be refused")
    app.close()
    cluster.psql("-c", "SELECT tenant_guard.guard_role('app', 'always')")


def check_log(cluster):
    secret = token(ACME)
    app = connect(cluster)
    cluster.psql("-c", "ALTER ROLE app SET log_statement = 'all'", "-c", "ALTER ROLE app SET log_parameter_max_length_on_error = -1")
    app = connect(cluster)
    for sql in ("SELECT 1/0 AS x", "SELECT nope", "SELECT pg_sleep(0)", "SELECT 1; SELECT 2"):
        try:
            app.simple(f"SELECT tenant_guard.query('{secret}', '{sql}')")
            tap.ok(False, f"{sql}: refused")
        except libpq.Error as error:
            tap.ok(secret not in f"{error} {error.detail}", f"{sql}: no token in the error", error.detail)
        outcome(app.extended, "SELECT tenant_guard.query($1, $2)", secret, sql)
    tap.ok(secret not in cluster.log.read_text(), "no token in the log")
    app.close()


with Cluster("max_prepared_transactions = 2") as server:
    check_dashboards(server)
    check_prepared(server)
    check_portals(server)
    check_function_calls(server)
    check_time(server)
    check_role(server)
    check_warn(server)
    check_log(server)
tap.finish()
