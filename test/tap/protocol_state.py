#!/usr/bin/python3
"""What the protocol itself can leave on a pooled connection: statements under a driver's name, the unnamed statement,
portals; and cursors that were opened before the token. A and B share one connection, as clients of a pooler do."""
import wire
from cluster import Cluster, Tap, tenant_id, token

ACME, GLOBEX = 1, 2
CANARY = "SELECT notes FROM customers WHERE notes LIKE 'canary-%'"
EVIL = "UPDATE customers SET notes = 'canary-stolen' WHERE notes LIKE 'canary-%' RETURNING notes"

tap = Tap()


def outcome(act, *arguments, **named):
    try:
        return act(*arguments, **named)
    except wire.Refused as error:
        return error.sqlstate


def begin(connection, number):
    connection.simple("BEGIN")
    connection.simple(f"SELECT tenant_guard.authenticate('{token(number)}')")


def in_transaction(connection, number, act, *arguments, **named):
    begin(connection, number)
    answer = outcome(act, *arguments, **named)
    connection.simple("ROLLBACK")
    return answer


def replace(connection, name, sql):
    connection.close_statement(name)
    connection.prepare(name, sql)


def check_replaced_name(connection):
    begin(connection, ACME)
    connection.prepare("S_1", CANARY)
    tap.equal(connection.execute("S_1"), [("canary-acme",)], "Acme's driver prepares a statement and executes it")
    connection.simple("COMMIT")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), [("canary-acme",)], "and once more, in its next transaction")
    tap.equal(in_transaction(connection, GLOBEX, connection.execute, "S_1"), [("canary-globex",)], "a driver serves other tenants with it")

    begin(connection, GLOBEX)
    replace(connection, "S_1", EVIL)
    connection.simple("COMMIT")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "replaced by Globex: refused for Acme")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "and stays refused")
    tap.equal(in_transaction(connection, ACME, connection.simple, CANARY), [("canary-acme",)], "Acme's row is as it was")

    begin(connection, GLOBEX)
    replace(connection, "S_1", EVIL)
    tap.equal(connection.execute("S_1"), [("canary-stolen",)], "in its own transaction Globex may execute what it prepared")
    connection.simple("ROLLBACK")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "which does not make it good for Acme")

    begin(connection, GLOBEX)
    for _ in range(7):
        connection.simple('EXECUTE "S_1"')
    connection.simple("ROLLBACK")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "nor does EXECUTE, which runs the same plan under no name")

    replace(connection, "S_1", EVIL)
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "replaced by nobody, outside of a transaction: refused")
    replace(connection, "S_1", "COMMIT")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "replaced by COMMIT: refused")
    replace(connection, "S_1", "SET LOCAL work_mem = '1MB'")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), "42501", "replaced by a command: refused")

    replace(connection, "S_1", CANARY)
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), [("canary-acme",)], "with its own text again it runs")
    replace(connection, "S_1", EVIL)
    connection.simple("DISCARD ALL")
    connection.prepare("S_1", "SELECT 'after DISCARD ALL'")
    tap.equal(in_transaction(connection, ACME, connection.execute, "S_1"), [("after DISCARD ALL",)], "after DISCARD ALL names begin anew")


def check_replaced_authentication(connection):
    """Under the name of the driver's statement, one that presents the attacker's token instead of the parameter."""
    own = "SELECT tenant_guard.authenticate($1)"
    of_globex = f"SELECT tenant_guard.authenticate(coalesce('{token(GLOBEX)}', $1))"

    def authenticate(number, name="auth"):
        connection.simple("BEGIN")
        answer = outcome(connection.execute, name, token(number))
        tenant = outcome(connection.simple, "SHOW tenant_guard.tenant_id")
        connection.simple("ROLLBACK")
        return (answer, tenant)

    connection.prepare("auth", own)
    acme, globex = [(tenant_id(ACME),)], [(tenant_id(GLOBEX),)]
    tap.equal(authenticate(ACME), (acme, acme), "a driver prepares the statement that authenticates")
    tap.equal(authenticate(GLOBEX), (globex, globex), "and serves other tenants with it")
    connection.simple("BEGIN")
    connection.execute("auth", token(GLOBEX))
    replace(connection, "auth", of_globex)
    connection.simple("COMMIT")
    tap.equal(authenticate(ACME), ("42501", "25P02"), "replaced by Globex's token: Acme does not become Globex")
    tap.equal(authenticate(GLOBEX), ("42501", "25P02"), "nor does Globex, in a transaction of its own, by that name")
    connection.simple("BEGIN")
    replace(connection, "auth", of_globex)
    tap.equal(outcome(connection.execute, "auth", token(ACME)), globex, "in the transaction that prepared it, it runs")
    connection.simple("ROLLBACK")
    tap.equal(authenticate(ACME), ("42501", "25P02"), "which does not make it good for Acme")
    replace(connection, "auth", f"SET LOCAL tenant_guard.token = '{token(GLOBEX)}'")
    connection.simple("BEGIN")
    tap.equal(outcome(connection.execute, "auth"), "42501", "replaced by a token that is set: refused")
    connection.simple("ROLLBACK")
    replace(connection, "auth", own)
    tap.equal(authenticate(ACME), (acme, acme), "with its own text again it runs")


def check_unnamed_statement(connection):
    begin(connection, GLOBEX)
    connection.prepare("", EVIL)
    connection.simple("COMMIT")
    tap.equal(in_transaction(connection, ACME, connection.execute, ""), "26000", "the unnamed statement does not reach the next message")


def check_portals(connection):
    begin(connection, GLOBEX)
    connection.prepare("portal", "SELECT full_name FROM customers ORDER BY id")
    tap.ok(len(connection.execute("portal", portal="page", limit=1)) == 1, "a portal is read in part")
    tap.ok(len(connection.fetch("page", 1)) == 1, "and further within its transaction")
    connection.simple("COMMIT")
    tap.equal(in_transaction(connection, ACME, connection.fetch, "page"), "34000", "it ends with the transaction")

    connection.prepare("order", "INSERT INTO orders (customer_id, region, total) SELECT min(id), 'EU', 1 FROM customers RETURNING 1")
    tap.equal(in_transaction(connection, GLOBEX, connection.execute, "order", portal="order"), [("1",)],
              "the foreign keys of a row that a portal inserts are checked by the server")


def check_cursors_opened_before_the_token(cluster):
    """The role is not guarded before it authenticates, and opens what it may then read."""
    cluster.psql("-c", "SELECT tenant_guard.guard_role('app', 'authenticated')",
                 "-c", "CREATE FUNCTION open_early() RETURNS refcursor LANGUAGE plpgsql AS"
                       " $$ DECLARE c refcursor := 'early'; BEGIN OPEN c FOR SELECT full_name FROM customer_names; RETURN c; END $$",
                 "-c", "CREATE FUNCTION fetch_early() RETURNS text LANGUAGE plpgsql AS"
                       " $$ DECLARE c refcursor := 'early'; found text; BEGIN FETCH c INTO found; RETURN found; END $$")
    connection = wire.Wire(cluster.conninfo())
    forgotten = "SELECT full_name FROM customer_names"
    connection.prepare("early", forgotten)
    for opens, open_cursor, fetch in (
            ("DECLARE", lambda: connection.simple(f"DECLARE early CURSOR FOR {forgotten}"), lambda: connection.simple("FETCH early")),
            ("DECLARE, read in PL/pgSQL", lambda: connection.simple(f"DECLARE early CURSOR FOR {forgotten}"), lambda: connection.simple("SELECT fetch_early()")),
            ("PL/pgSQL", lambda: connection.simple("SELECT open_early()"), lambda: connection.simple("FETCH early")),
            ("Bind", lambda: connection.execute("early", portal="early", limit=1), lambda: connection.fetch("early", 1)),
            ("MOVE", lambda: connection.simple(f"DECLARE early CURSOR FOR {forgotten}"), lambda: connection.simple("MOVE early")),
    ):
        for authenticates in (False, True):
            connection.simple("BEGIN")
            open_cursor()
            if authenticates:
                connection.simple(f"SELECT tenant_guard.authenticate('{token(ACME)}')")
                tap.equal(outcome(fetch), "42501", f"a cursor opened by {opens} before the token is refused after it")
            else:
                tap.ok(outcome(fetch) not in ("42501", "34000"), f"without a token the cursor opened by {opens} is read")
            connection.simple("ROLLBACK")
    connection.simple("BEGIN")
    connection.simple("DECLARE early CURSOR FOR SELECT code FROM countries ORDER BY code")
    connection.simple(f"SELECT tenant_guard.authenticate('{token(ACME)}')")
    tap.equal(connection.simple("FETCH early"), [("AR",)], "one over shared data goes on")
    connection.simple("ROLLBACK")
    connection.simple("BEGIN")
    connection.simple(f"SELECT tenant_guard.authenticate('{token(ACME)}')")
    connection.simple("DECLARE c CURSOR FOR SELECT code FROM countries ORDER BY code")
    tap.equal(connection.simple("FETCH c"), [("AR",)], "a cursor of the transaction is read")
    cluster.psql("-c", "SELECT tenant_guard.undeclare_shared('countries')")
    tap.equal(outcome(connection.simple, "FETCH c"), "42501", "until its relation is no longer shared")
    connection.simple("ROLLBACK")
    connection.close()


with Cluster() as cluster:
    for check in (check_replaced_name, check_replaced_authentication, check_unnamed_statement, check_portals):
        connection = wire.Wire(cluster.conninfo())
        check(connection)
        connection.close()
    check_cursors_opened_before_the_token(cluster)
tap.finish()
