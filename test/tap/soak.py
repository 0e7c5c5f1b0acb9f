#!/usr/bin/python3
"""Many connections change tenants over statements they prepared once, while an administrator changes everything that
decides what they may see: declarations, protection, policies, owners, rights, keys. Every row that comes back must be the
tenant's own; what may not be read is refused. SOAK_SECONDS says how long, `make soak SECONDS=` for hours."""
import collections
import itertools
import os
import random
import threading
import time

import libpq
from cluster import Cluster, Tap, tenant_id, token

SECONDS = float(os.environ.get("SOAK_SECONDS", "8"))
CLIENTS = 6
TENANTS = range(1, 9)
SEED = 20260521

# Name, statement, whether its first column is the tenant of the row.
STATEMENTS = (
    ("customers", "SELECT tenant_id::text, notes FROM customers WHERE notes LIKE 'canary-%'", True),
    ("products", "SELECT tenant_id::text FROM products LIMIT 5", True),
    ("orders", "SELECT o.tenant_id::text, c.tenant_id::text FROM orders o JOIN customers c ON c.id = o.customer_id LIMIT 5", True),
    ("totals", "SELECT tenant_id::text, total FROM order_totals LIMIT 5", True),
    ("revenue", "SELECT tenant_id::text, revenue FROM customer_revenue LIMIT 5", True),
    ("events", "SELECT tenant_id::text FROM events_2024_03 LIMIT 5", True),
    ("function", "SELECT canary()", True),
    ("update", "UPDATE customers SET region = region WHERE notes LIKE 'canary-%' RETURNING tenant_id::text", True),
    ("countries", "SELECT code FROM countries LIMIT 1", False),
    ("forgotten", "SELECT full_name FROM customer_names LIMIT 1", None),
)
# There and back. What is done in the catalogs is what the shield refuses as a statement.
CHANGES = (
    ("shared", "SELECT tenant_guard.undeclare_shared('countries')", "SELECT tenant_guard.declare_shared('countries', 'again')"),
    ("protection", "SELECT tenant_guard.unprotect('products')", "SELECT tenant_guard.protect('products')"),
    ("bypass", "ALTER ROLE app BYPASSRLS", "ALTER ROLE app NOBYPASSRLS"),
    ("superuser", "ALTER ROLE saas_reporting SUPERUSER", "ALTER ROLE saas_reporting NOSUPERUSER"),
    ("owner of a view", "ALTER VIEW order_totals OWNER TO postgres", "ALTER VIEW order_totals OWNER TO saas_owner"),
    ("owner of a table", "ALTER TABLE orders OWNER TO postgres", "ALTER TABLE orders OWNER TO saas_owner"),
    ("security of a function", "ALTER FUNCTION canary() SECURITY DEFINER", "ALTER FUNCTION canary() SECURITY INVOKER"),
    ("policy", "CREATE POLICY open ON customers USING (true)", "DROP POLICY open ON customers"),
    ("kind of a policy", "UPDATE pg_policy SET polpermissive = true WHERE polrelid = 'orders'::regclass; ALTER TABLE orders ALTER notes SET STATISTICS 10",
     "UPDATE pg_policy SET polpermissive = false WHERE polrelid = 'orders'::regclass AND polname = 'tenant_guard_isolation'; ALTER TABLE orders ALTER notes SET STATISTICS 10"),
    ("forced", "UPDATE pg_class SET relforcerowsecurity = false WHERE oid = 'customers'::regclass; ALTER TABLE customers ALTER notes SET STATISTICS 10",
     "UPDATE pg_class SET relforcerowsecurity = true WHERE oid = 'customers'::regclass; ALTER TABLE customers ALTER notes SET STATISTICS 10"),
    ("role", "SELECT tenant_guard.guard_role('app', 'authenticated')", "SELECT tenant_guard.guard_role('app', 'always')"),
    ("membership", "GRANT saas_owner TO app", "REVOKE saas_owner FROM app"),
    ("partition", "ALTER TABLE events DETACH PARTITION events_2024_03",
     "ALTER TABLE events ATTACH PARTITION events_2024_03 FOR VALUES FROM ('2024-03-01+00') TO ('2024-04-01+00')"),
    ("key", "SELECT tenant_guard.retire_key('hs')", "DELETE FROM tenant_guard.signing_keys; SELECT tenant_guard.add_secret('hs', 'HS256', '{secret}')"),
)
# Refusals of the guard and of tokens, and what DDL does to who waits for it.
EXPECTED = ("42501", "28000", "28T", "40P01", "40001", "55P03", "0A000")


class Client(threading.Thread):
    def __init__(self, conninfo, tokens, number, until):
        super().__init__()
        self.counts, self.broken = collections.Counter(), []
        self._connection = libpq.Connection(conninfo)
        self._tokens, self._until = tokens, until
        self._chance = random.Random(SEED + number)
        for name, sql, _ in STATEMENTS:
            self._prepare(name, sql)

    def _prepare(self, name, sql):
        # By one tenant, for every tenant that comes.
        self._connection.simple(f"BEGIN; SELECT tenant_guard.authenticate('{self._tokens[1]}')")
        try:
            self._connection.prepare(name, sql)
        finally:
            self._connection.simple("ROLLBACK")

    def run(self):
        try:
            while time.monotonic() < self._until and not self.broken:
                self._transact()
        except Exception as error:  # whatever it is, the test must hear of it
            self.broken.append(f"{type(error).__name__}: {error}")
        finally:
            self._connection.close()

    def _transact(self):
        number = self._chance.choice(TENANTS)
        own = tenant_id(number)
        try:
            self._connection.simple("BEGIN")
            self._connection.extended("SELECT tenant_guard.authenticate($1)", self._tokens[number])
            for name, _, has_tenant in self._chance.sample(STATEMENTS, 4):
                self._check(name, has_tenant, own, self._connection.execute(name))
        except libpq.Error as error:
            self.counts["refused"] += 1
            self.counts[error.sqlstate] += 1
            if not error.sqlstate.startswith(EXPECTED):
                self.broken.append(str(error))
        self._connection.simple("ROLLBACK")
        self.counts["transactions"] += 1

    def _check(self, name, has_tenant, own, rows):
        self.counts[name] += len(rows)
        if has_tenant is None:
            self.broken.append(f"{name} was not refused")
        for row in rows if has_tenant else ():
            self.counts["rows"] += 1
            if row[0] != own or (len(row) > 1 and name == "orders" and row[1] != own):
                self.broken.append(f"{name} of {own} has a row of {row}")


def change(cluster, until, secret, counts):
    """One change and its undoing after the other, each by itself and for a moment."""
    admin = libpq.Connection(cluster.conninfo("postgres"))
    admin.simple("SET lock_timeout = '500ms'")
    for what, there, back in itertools.cycle(CHANGES):
        for sql in (there, back):
            for _ in range(200):
                try:
                    admin.simple(sql.replace("{secret}", secret))
                    counts[what] += 1
                    break
                except libpq.Error as error:
                    if error.sqlstate not in ("55P03", "40P01"):
                        raise
            time.sleep(0.02)
        if time.monotonic() > until and all(counts[name] > 1 for name, _, _ in CHANGES):
            break
    admin.close()


def main():
    tap = Tap()
    tokens = {number: token(number) for number in TENANTS}
    with Cluster("log_min_messages = fatal", "plan_cache_mode = force_generic_plan") as cluster:
        cluster.psql("-c", "CREATE FUNCTION canary() RETURNS SETOF text LANGUAGE sql STABLE AS"
                           " $$ SELECT tenant_id::text FROM customers WHERE notes LIKE 'canary-%' $$")
        secret = r"\x" + cluster.psql("-c", "SELECT encode(material, 'hex') FROM tenant_guard.signing_keys")
        until = time.monotonic() + SECONDS
        clients = [Client(cluster.conninfo(), tokens, number, until) for number in range(CLIENTS)]
        changes, failures = collections.Counter(), []

        def run_changes():
            try:
                change(cluster, until, secret, changes)
            except Exception as error:  # as above
                failures.append(str(error))

        administrator = threading.Thread(target=run_changes)
        for thread in (*clients, administrator):
            thread.start()
        for thread in (*clients, administrator):
            thread.join()

        counts = sum((client.counts for client in clients), collections.Counter())
        tap.equal([what for client in clients for what in client.broken], [], f"of {counts['rows']} rows none was of another tenant")
        tap.equal(failures, [], "every change could be made and undone")
        tap.ok(counts["transactions"] > 50, f"{counts['transactions']} transactions of {CLIENTS} connections")
        for name, _, has_tenant in STATEMENTS:
            if has_tenant is not None:
                tap.ok(counts[name] > 0, f"{counts[name]} rows of {name}")
        for what, _, _ in CHANGES:
            tap.ok(changes[what] > 1, f"{changes[what]} changes: {what}")
        tap.ok(counts["refused"] > 0, f"{counts['refused']} transactions were refused something")
        tap.equal(cluster.psql("-c", "SELECT string_agg(check_id, ' ') FROM tenant_guard.health() h (check_id, ok, detail) WHERE NOT ok"),
                  "unprotected_relations", "and all is as it was: of the sample, what somebody forgot is unprotected")
    tap.finish()


if __name__ == "__main__":
    main()
