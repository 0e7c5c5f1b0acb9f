#!/usr/bin/python3
"""The main promise, through a real pooler: PgBouncer in transaction mode shares two server connections among many
clients of many tenants, which read, write, fail, roll back, forget to authenticate, forge, leave things behind and are
killed in the middle. Every row that comes back must belong to the tenant that asked."""
import collections
import multiprocessing
import os
import random
import shutil
import socket
import subprocess
import threading
import time

import psycopg2

import libpq
from cluster import Cluster, Tap, tenant_id, token

PROCESSES, THREADS = 4, 7          # 28 clients, of which each process has two that speak the extended protocol
TENANTS = range(1, 17)
TRANSACTIONS = 20_000              # at least so many, all clients together
TIME_LIMIT = 240                   # seconds, for a machine that is too slow
SEED = 20240517

CANARY = "SELECT tenant_id::text, notes FROM customers WHERE notes LIKE 'canary-%'"
# Each returns the tenant of each row first.
READS = (
    "SELECT tenant_id::text, full_name FROM customers ORDER BY random() LIMIT 20",
    "SELECT tenant_id::text, total FROM orders ORDER BY ordered_at DESC LIMIT 20",
    "SELECT c.tenant_id::text, o.tenant_id::text FROM customers c JOIN orders o ON o.customer_id = c.id LIMIT 20",
    "SELECT tenant_id::text, revenue FROM customer_revenue ORDER BY revenue DESC LIMIT 5",
    "SELECT tenant_id::text, total FROM order_totals ORDER BY total DESC LIMIT 5",
    "SELECT tenant_id::text, count(*) FROM events GROUP BY 1",
    "SELECT id::text, slug FROM tenants",
)
LEFTOVERS = (
    "CREATE TEMP TABLE customers (tenant_id uuid, notes text)",
    "CREATE TEMP VIEW orders AS SELECT 1 AS total",
    "SET search_path = pg_temp, public",
    "SET statement_timeout = 1",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "PREPARE stolen AS SELECT 1",
    "LISTEN everything",
    "SELECT pg_advisory_lock(42)",
    "DECLARE held CURSOR WITH HOLD FOR SELECT notes FROM customers",
    "SET ROLE app",
)
REFUSED = (
    ("SELECT full_name FROM customer_names LIMIT 1", "42501"),
    ("SELECT full_name FROM order_contacts LIMIT 1", "42501"),
    ("SELECT revenue FROM monthly_revenue_mv LIMIT 1", "42501"),
    ("UPDATE countries SET region = 'x'", "42501"),
    ("SELECT query FROM pg_stat_activity", "42501"),
    ("SET tenant_guard.tenant_id = 'x'", "42501"),
)


class Broken(Exception):
    """What must never happen."""


slugs = {}  # of the tenants by their number; what their canaries are called


class SimpleClient:
    """psycopg2, which sends what it is given as one message of the simple protocol."""

    def __init__(self, conninfo):
        self._connection = psycopg2.connect(conninfo)
        self._connection.autocommit = True
        self._cursor = self._connection.cursor()

    def run(self, sql, *parameters):
        """The rows of the last statement."""
        try:
            self._cursor.execute(sql.replace("$1", "%s") if parameters else sql, parameters or None)
            return self._cursor.fetchall() if self._cursor.description else []
        except psycopg2.Error as error:
            raise libpq.Error(error.pgcode or "08006", str(error)) from None

    run_message = run

    def socket(self):
        return self._connection.fileno()

    def close(self):
        self._connection.close()


class ExtendedClient:
    """libpq with Parse, Bind and Execute for each statement, and parameters apart from it."""

    def __init__(self, conninfo):
        self._connection = libpq.Connection(conninfo)
        self.run, self.run_message = self._connection.extended, self._connection.simple
        self.socket, self.close = self._connection.socket, self._connection.close


class Tenant:
    """A client's transactions, for one tenant after the other."""

    def __init__(self, connect, tokens, chance, counts):
        self._connect = connect
        self._tokens = tokens
        self._chance = chance
        self.counts = counts
        self._client = connect()
        self._acts = (
            [self.read] * 30 + [self.read_in_one_message] * 20 + [self.write] * 10 + [self.roll_back] * 6
            + [self.fail] * 6 + [self.use_savepoints] * 6 + [self.be_refused] * 6 + [self.forget_to_authenticate] * 6
            + [self.leave_something] * 5 + [self.forge] * 3 + [self.change_tenant] * 3 + [self.be_killed] * 1)

    def transact(self):
        self.number = self._chance.choice(TENANTS)
        act = self._chance.choice(self._acts)
        try:
            act()
        except libpq.Error as error:
            # The pooler may have closed the server connection of a killed client under us; nothing else is expected.
            if not error.sqlstate.startswith(("08", "57")):
                raise Broken(f"{act.__name__} of tenant {self.number}: {error}") from None
            self.counts["connection lost"] += 1
            self._client.close()
            self._client = self._connect()
            return
        self.counts["transactions"] += 1
        self.counts[act.__name__] += 1

    def close(self):
        self._client.close()

    # The pieces.

    def begin(self):
        self._client.run("BEGIN")
        got = self._client.run("SELECT tenant_guard.authenticate($1)", self._tokens[self.number])
        if got != [(tenant_id(self.number),)]:
            raise Broken(f"authenticate() of tenant {self.number} answered {got}")

    def end(self, how="COMMIT"):
        self._client.run(how)

    def check(self, rows):
        own = tenant_id(self.number)
        for row in rows:
            self.counts["rows"] += 1
            if row[0] != own:
                self.counts["foreign rows"] += 1
                raise Broken(f"tenant {self.number} was given a row of {row[0]}: {row}")
        return rows

    def check_canary(self, rows):
        expected = [(tenant_id(self.number), f"canary-{slugs[self.number]}")]
        if self.check(rows) != expected:
            raise Broken(f"tenant {self.number} was given {rows} and not its canary")

    def must_be_refused(self, sqlstate, sql, *parameters):
        try:
            rows = self._client.run(sql, *parameters)
        except libpq.Error as error:
            if error.sqlstate.startswith(("08", "57P")):
                raise
            if error.sqlstate != sqlstate:
                raise Broken(f"{sql}: {error}, and not {sqlstate}") from None
            self.counts["refused"] += 1
            return
        if rows:
            self.counts["foreign rows"] += len(rows)
        raise Broken(f"{sql} was not refused: {rows}")

    # What clients do.

    def read(self):
        self.begin()
        self.check_canary(self._client.run(CANARY))
        rows = self.check(self._client.run(self._chance.choice(READS)))
        if not rows:
            raise Broken(f"tenant {self.number} saw nothing of its own")
        self.end()

    def read_in_one_message(self):
        self.check_canary(self._client.run_message(
            f"SELECT tenant_guard.authenticate('{self._tokens[self.number]}'); {CANARY}"))

    def write(self):
        self.begin()
        sku = f"sku-{self._chance.random()}"
        self.check(self._client.run("INSERT INTO products (sku, name, category, price) VALUES ($1, 'n', 'c', 1)"
                                    " RETURNING tenant_id::text", sku))
        self.check(self._client.run("UPDATE customers SET region = region WHERE notes LIKE 'canary-%' RETURNING tenant_id::text"))
        self.check(self._client.run("DELETE FROM products WHERE sku = $1 RETURNING tenant_id::text", sku))
        self.end()

    def roll_back(self):
        self.begin()
        self.check(self._client.run("DELETE FROM subscriptions RETURNING tenant_id::text"))
        self.end("ROLLBACK")

    def fail(self):
        self.begin()
        self.check_canary(self._client.run(CANARY))
        self.must_be_refused("22012", "SELECT 1 / 0")
        self.must_be_refused("25P02", CANARY)
        self.end("ROLLBACK")

    def use_savepoints(self):
        self._client.run("BEGIN")
        self._client.run("SAVEPOINT before")
        self._client.run("SELECT tenant_guard.authenticate($1)", self._tokens[self.number])
        self._client.run("SAVEPOINT within")
        self.must_be_refused("22012", "SELECT 1 / 0")
        self._client.run("ROLLBACK TO within")
        self.check_canary(self._client.run(CANARY))
        self._client.run("ROLLBACK TO before")
        self.must_be_refused("28000", CANARY)
        self.end("ROLLBACK")

    def be_refused(self):
        self.begin()
        sql, sqlstate = self._chance.choice(REFUSED)
        self._client.run("SAVEPOINT a")
        self.must_be_refused(sqlstate, sql)
        self._client.run("ROLLBACK TO a")
        self.check_canary(self._client.run(CANARY))
        self.end()

    def forget_to_authenticate(self):
        if self._chance.random() < 0.5:
            return self.must_be_refused("28000", self._chance.choice((CANARY, *READS)))
        self._client.run("BEGIN")
        self.must_be_refused("28000", self._chance.choice((CANARY, *READS)))
        self.end("ROLLBACK")

    def leave_something(self):
        self.begin()
        self.must_be_refused("42501", self._chance.choice(LEFTOVERS))
        self.end("COMMIT")

    def forge(self):
        self._client.run("BEGIN")
        good = self._tokens[self.number]
        header, payload, signature = good.split(".")
        other = self._tokens[self._chance.choice([n for n in TENANTS if n != self.number])].split(".")
        forged, sqlstate = self._chance.choice((
            (f"{header}.{other[1]}.{signature}", "28T08"), (f"{header}.{payload}.{other[2]}", "28T08"),
            (f"{header}.{payload}.", "28T08"), (f"{header}.{payload}", "28T03"), ("", "28T01")))
        try:
            self._client.run("SELECT tenant_guard.authenticate($1)", forged)
            raise Broken(f"a forged token was accepted: {forged}")
        except libpq.Error as error:
            if error.sqlstate.startswith(("08", "57P")):
                raise
            if error.sqlstate != sqlstate and not forged.endswith("."):
                raise Broken(f"a forged token was refused with {error}, and not {sqlstate}") from None
            self.counts["refused"] += 1
        self.end("ROLLBACK")

    def change_tenant(self):
        self.begin()
        other = self._chance.choice([n for n in TENANTS if n != self.number])
        self._client.run("SAVEPOINT a")
        self.must_be_refused("28T18", "SELECT tenant_guard.authenticate($1)", self._tokens[other])
        self._client.run("ROLLBACK TO a")
        self.must_be_refused("42501", "INSERT INTO products (tenant_id, sku, name, category, price)"
                                      " VALUES ($1::uuid, 's', 'n', 'c', 1)", tenant_id(other))
        self.end("ROLLBACK")

    def be_killed(self):
        """The machine of a client disappears in the middle of its transaction."""
        self.begin()
        self.check_canary(self._client.run(CANARY))
        self._client.run("SET LOCAL statement_timeout = '1min'")
        with socket.socket(fileno=os.dup(self._client.socket())) as wire:
            wire.shutdown(socket.SHUT_RDWR)
        self._client.close()
        self._client = self._connect()


def run_clients(conninfo, process, tokens, progress, results):
    """One process of clients: results are its counts and what broke."""
    counts = [collections.Counter() for _ in range(THREADS)]
    broken = []
    end = time.monotonic() + TIME_LIMIT

    def run_client(thread):
        kind = ExtendedClient if thread < 2 else SimpleClient
        client = Tenant(lambda: kind(conninfo), tokens, random.Random(SEED + 100 * process + thread), counts[thread])
        try:
            while progress.value < TRANSACTIONS and not broken and time.monotonic() < end:
                for _ in range(10):
                    client.transact()
                with progress.get_lock():
                    progress.value += 10
        except Exception as error:  # whatever it is, the test must hear of it
            broken.append(f"{type(error).__name__}: {error}")
            with progress.get_lock():
                progress.value += TRANSACTIONS
        finally:
            client.close()

    threads = [threading.Thread(target=run_client, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put((sum(counts, collections.Counter()), broken))


class PgBouncer:
    """In transaction mode, with two server connections and no more."""

    port = 54330  # only in the name of the socket

    def __init__(self, cluster):
        self._directory = cluster.directory / "pgbouncer"
        self._directory.mkdir()
        (self._directory / "users").write_text('"app" ""\n', encoding="utf-8")
        self._config = self._directory / "pgbouncer.ini"
        self._config.write_text(f"""\
[databases]
sample = host={cluster.directory} port={cluster.port} dbname=sample
[pgbouncer]
unix_socket_dir = {self._directory}
listen_port = {self.port}
auth_type = trust
auth_file = {self._directory / 'users'}
admin_users = app
pool_mode = transaction
default_pool_size = 2
max_db_connections = 2
max_client_conn = 200
server_lifetime = 3600
query_wait_timeout = 60
log_connections = 0
log_disconnections = 0
logfile = {self._directory / 'log'}
""", encoding="utf-8")

    def __enter__(self):
        program = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        self._process = subprocess.Popen([program, self._config], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while not (self._directory / f".s.PGSQL.{self.port}").exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("pgbouncer did not start: " + self.log())
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(timeout=20)

    def log(self):
        path = self._directory / "log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def conninfo(self, database="sample"):
        return f"host={self._directory} port={self.port} user=app dbname={database}"


def check_connections_are_clean(tap, cluster, bouncer, tokens):
    """Both server connections, held at once by two clients."""
    clients = [SimpleClient(bouncer.conninfo()) for _ in range(2)]
    pids = []
    for number, client in zip((1, 2), clients):
        client.run("BEGIN")
        pids.append(client.run("SELECT pg_backend_pid()")[0][0])
        tap.equal(client.run("SHOW tenant_guard.tenant_id"), [("",)], "a connection comes back without a tenant")
        for setting, value in (("search_path", '"$user", public'), ("role", "none"), ("statement_timeout", "0"),
                               ("transaction_read_only", "off")):
            tap.equal(client.run(f"SHOW {setting}"), [(value,)], f"and with {setting} as it was")
        tap.equal(client.run("SELECT pg_my_temp_schema()::text"), [("0",)], "and without temporary objects")
        tap.equal(client.run("SELECT count(*) FROM pg_listening_channels()"), [(0,)], "and without channels")
        tap.equal(client.run("SELECT count(*) FROM pg_cursor()"), [(0,)], "and without cursors")
        client.run("SELECT tenant_guard.authenticate($1)", tokens[number])
        tap.equal(client.run(CANARY), [(tenant_id(number), f"canary-{slugs[number]}")], "and serves the next tenant")
    tap.ok(len(set(pids)) == 2, "these were two connections")
    tap.equal(cluster.psql("-c", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"), "2", "there are no more")
    tap.equal(cluster.psql("-c", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), "0", "nobody holds a session lock")
    tap.equal(cluster.psql("-c", "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"), "0", "no temporary table was left")
    for client in clients:
        client.run("ROLLBACK")
        client.close()


def main():
    tap = Tap()
    tokens = {number: token(number) for number in TENANTS}
    with Cluster("max_connections = 20", "log_min_messages = fatal") as cluster:
        for line in cluster.psql("-c", "SELECT number, slug FROM tenants").splitlines():
            number, slug = line.split("|")
            slugs[int(number)] = slug
        before = cluster.psql("-c", "SELECT tenant_id, count(*) FROM products GROUP BY 1 ORDER BY 1")
        with PgBouncer(cluster) as bouncer:
            fork = multiprocessing.get_context("fork")  # what is known here is known there
            progress = fork.Value("i", 0)
            results = fork.Queue()
            began = time.monotonic()
            processes = [fork.Process(target=run_clients, args=(bouncer.conninfo(), number, tokens, progress, results))
                         for number in range(PROCESSES)]
            for process in processes:
                process.start()
            connections = 0
            while any(process.is_alive() for process in processes) and results.qsize() < PROCESSES:
                connections = max(connections, int(cluster.psql("-c", "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app'"
                                                                      " AND state <> 'idle in transaction (aborted)'")))
                time.sleep(1)
            reports = [results.get(timeout=60) for _ in processes]
            for process in processes:
                process.join()
            seconds = time.monotonic() - began
            counts = sum((report[0] for report in reports), collections.Counter())
            broken = [what for report in reports for what in report[1]]

            tap.equal(broken, [], "every client was answered as its tenant must be")
            tap.equal(counts["foreign rows"], 0, f"of {counts['rows']} rows none was of another tenant")
            tap.ok(counts["transactions"] >= TRANSACTIONS, f"{counts['transactions']} transactions of"
                   f" {PROCESSES * THREADS} clients and {len(TENANTS)} tenants in {seconds:.0f} s", bouncer.log()[-2000:])
            for act in ("read", "read_in_one_message", "write", "roll_back", "fail", "use_savepoints", "be_refused",
                        "forget_to_authenticate", "leave_something", "forge", "change_tenant", "be_killed"):
                tap.ok(counts[act] > 0, f"{counts[act]} times: {act.replace('_', ' ')}")
            tap.ok(0 < connections <= 2, f"never more than 2 server connections at once (seen: {connections})")
            tap.ok(counts["connection lost"] <= counts["be_killed"], f"{counts['connection lost']} transactions lost their connection")
            check_connections_are_clean(tap, cluster, bouncer, tokens)
        tap.equal(cluster.psql("-c", "SELECT tenant_id, count(*) FROM products GROUP BY 1 ORDER BY 1"), before,
                  "what was rolled back or deleted is not there, and nobody else's was")
    tap.finish()


if __name__ == "__main__":
    main()
