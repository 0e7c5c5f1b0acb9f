#!/usr/bin/python3
"""Tokens are passwords, also for a server that logs everything: all statements with all parameters, durations, plans of
nested statements, parse trees. No piece of a token may reach the log, pg_stat_activity or pg_stat_statements, in
whichever way it was handed over, whether it is good, refused, or so garbled that it is no token any more."""
import functools
import json
import re
import threading
import time

import libpq
import wire
from cluster import Cluster, Tap, token

SETTINGS = (
    "shared_preload_libraries = 'tenant_guard,pg_stat_statements,auto_explain'",
    "log_statement = all",
    "log_duration = on",
    "log_min_duration_statement = 0",
    "log_min_messages = debug1",
    "log_error_verbosity = verbose",
    "log_parameter_max_length = -1",
    "log_parameter_max_length_on_error = -1",
    "debug_print_parse = on",
    "debug_print_rewritten = on",
    "debug_print_plan = on",
    "auto_explain.log_min_duration = 0",
    "auto_explain.log_analyze = on",
    "auto_explain.log_verbose = on",
    "auto_explain.log_nested_statements = on",
    "pg_stat_statements.track = all",
    "tenant_guard.session_state = reset",
)
PIECE = 12  # characters

tap = Tap()


def garbled(good):
    """The same secret, in forms that are no compact JWS."""
    header, payload, signature = good.split(".")
    lines = "\n".join(good[at:at + 64] for at in range(0, len(good), 64))
    return {
        "Bearer in front": f"Bearer {good}",
        "in quotes": f'"{good}"',
        "twice": good + good,
        "wrapped into lines": lines,
        "blanks around the dots": f"{header} . {payload} . {signature}",
        "URL-escaped": good.replace(".", "%2E"),
        "commas for dots": good.replace(".", ","),
        "without its header": f"{payload}.{signature}",
        "turned round": f"{signature}.{payload}.{header}",
        "the signature alone": signature,
        "the payload alone": payload,
        "JSON": f'{{"protected":"{header}","payload":"{payload}","signature":"{signature}"}}',
        "an apostrophe in it": good[:60] + "'" + good[60:],
        "a backslash in it": good[:60] + "\\" + good[60:],
    }


def quoted(text):
    text = text.replace("'", "''")
    return f"E'{text}'".replace("\\", "\\\\") if "\\" in text else f"'{text}'"


def ways_to_authenticate(value):
    """Each hands the token over; (name, act on a connection)."""
    literal = quoted(value)
    return [
        ("literal", lambda c: c.simple(f"SELECT tenant_guard.authenticate({literal})")),
        ("literal in capitals", lambda c: c.simple(f"SELECT TENANT_GUARD . AUTHENTICATE ( /* x */ {literal} )")),
        ("literal with a name", lambda c: c.simple(f"SELECT tenant_guard.authenticate(jwt => {literal})")),
        ("literal and a failure", lambda c: c.simple(f"SELECT tenant_guard.authenticate({literal}), 1/0")),
        ("literal, then a failure", lambda c: c.simple(f"BEGIN; SELECT tenant_guard.authenticate({literal}); SELECT 1/0; COMMIT")),
        ("literal in broken SQL", lambda c: c.simple(f"SELECT tenant_guard.authenticate({literal}) FROM FROM")),
        ("in dollars", lambda c: c.simple(f"SELECT tenant_guard.authenticate($jwt${value}$jwt$)")),
        ("SET LOCAL", lambda c: c.simple(f"BEGIN; SET LOCAL tenant_guard.token = {literal}; COMMIT")),
        ("SET LOCAL TO", lambda c: c.simple(f'BEGIN; SET LOCAL "tenant_guard"."token" TO {literal}; COMMIT')),
        ("SET", lambda c: c.simple(f"SET tenant_guard.token = {literal}")),
        ("set_config()", lambda c: c.simple(f"SELECT set_config('tenant_guard.token', {literal}, true)")),
        ("DO", lambda c: c.simple(f"DO $do$ BEGIN PERFORM tenant_guard.authenticate({literal}); END $do$")),
        ("parameter", lambda c: c.extended("SELECT tenant_guard.authenticate($1)", value)),
        ("parameter and a failure", lambda c: c.extended("SELECT tenant_guard.authenticate($1), 1/$2::int", value, "0")),
    ]


def execute(connection, statement, value):
    connection.simple(f"PREPARE p (text) AS {statement}")
    connection.simple(f"EXECUTE p ({quoted(value)})")


def ways_to_execute(value):
    """Of a role that is not guarded before it authenticates: nothing in EXECUTE says that it hands a token over."""
    return [("EXECUTE", lambda c: execute(c, "SELECT tenant_guard.authenticate($1)", value)),
            ("EXECUTE and a failure", lambda c: execute(c, "SELECT tenant_guard.authenticate($1), 1/0", value))]


def wrapped(value):
    """In a function of the application, which nobody knows to take a token: it shows by its form alone."""
    return [("parameter of a function", lambda c: c.extended("SELECT sign_in($1)", value)),
            ("parameter in broken JSON", lambda c: c.extended("SELECT sign_in($1::jsonb->>'token')", f'{{"token":"{value}"')),
            ("literal in broken JSON", lambda c: c.simple(f"""SELECT sign_in('{{"token":"{value}"'::jsonb->>'token')""")),
            ("literal of a function", lambda c: c.simple(f"SELECT sign_in({quoted(value)})")),
            ("literal of a function that fails", lambda c: c.simple(f"SELECT sign_in({quoted(value)}), 1/0"))]


def ways_to_add_a_key(secret):
    jwk = json.dumps({"kty": "oct", "kid": "oct", "alg": "HS256", "k": secret})
    return [
        ("add_secret()", lambda c: c.simple(f"SELECT tenant_guard.add_secret('by literal', 'HS256', '{secret}')")),
        ("add_secret() with a parameter",
         lambda c: c.extended("SELECT tenant_guard.add_secret('by parameter', 'HS256', convert_to($1, 'UTF8'))", secret)),
        ("add_secret() that fails", lambda c: c.simple(f"SELECT tenant_guard.add_secret('x', 'HS512', '{secret}')")),
        ("add_jwk()", lambda c: c.simple(f"SELECT tenant_guard.add_jwk('{jwk}')")),
        ("add_jwk() with a parameter", lambda c: c.extended("SELECT tenant_guard.add_jwk($1::jsonb)", jwk)),
        ("add_jwk() that fails", lambda c: c.simple(f"SELECT tenant_guard.add_jwk('{jwk}}}')")),
        ("add_jwk() that fails within", lambda c: c.simple(f"""SELECT tenant_guard.add_jwk('{{"k":{secret}}}')""")),
        ("add_jwks()", lambda c: c.simple(f"""SELECT tenant_guard.add_jwks('{{"keys":[{jwk}]}}')""")),
        ("in DO", lambda c: c.simple(f"DO $$ BEGIN PERFORM tenant_guard.add_secret('in do', 'HS256', '{secret}'); END $$")),
    ]


@functools.lru_cache(maxsize=None)
def pieces(secret):
    runs = re.findall(r"[A-Za-z0-9_-]{%d,}" % PIECE, secret)
    return {run[at:at + PIECE] for run in runs for at in range(len(run) - PIECE + 1)}


def is_free_of(text, secret):
    """No piece of the secret's base64url runs stands in the text."""
    return not any(piece in text for piece in pieces(secret))


def in_trees(secret):
    """As parse trees spell a constant: the codes of its bytes."""
    return " ".join(str(byte) for byte in secret.encode()[10:40])


class Watch:
    """What the server keeps of each call."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.admin = libpq.Connection(cluster.conninfo("postgres"))
        self.written = cluster.log.stat().st_size

    def new_log(self):
        with open(self.cluster.log, encoding="utf-8") as log:
            log.seek(self.written)
            text = log.read()
        self.written = self.cluster.log.stat().st_size
        return text

    def hand_over(self, name, value, act, user="app"):
        """Checks the log and pg_stat_activity; returns the error, or None."""
        connection = libpq.Connection(self.cluster.conninfo(user))
        error = None
        try:
            act(connection)
        except libpq.Error as raised:
            error = raised
        log = self.new_log()
        tap.ok(re.search("tenant_guard|sign_in|syntax error", log), f"{name}: the server logs what it does")
        self.keeps_nothing(log, value, f"{name}: and nothing of the secret")
        tap.ok(in_trees(value) not in " ".join(log.split()), f"{name}: nor in a tree")
        # The session is idle and shows its last statement.
        shown = self.admin.extended("SELECT query FROM pg_stat_activity WHERE usename = $1 AND pid <> pg_backend_pid()", user)
        self.keeps_nothing("\n".join(query for query, in shown), value, f"{name}: nor in pg_stat_activity")
        self.new_log()
        if error is not None:
            tap.ok(is_free_of(f"{error} {error.detail}", value), f"{name}: the client is not told it either", error, error.detail)
        connection.close()
        return error

    def shown(self, user="app"):
        """The last message of a user, who has one connection."""
        return [query for query, in self.admin.extended("SELECT query FROM pg_stat_activity WHERE usename = $1", user)]

    def shows_nothing(self, value, name, user="app"):
        shown = self.shown(user)
        tap.equal(len(shown), 1, f"{name}: the session is seen")
        self.keeps_nothing(shown[0], value, f"{name}: pg_stat_activity shows nothing of it")

    def keeps_nothing(self, text, value, name):
        leak = [] if is_free_of(text, value) else [line for line in text.splitlines() if not is_free_of(line, value)] or [text]
        tap.ok(not leak, name, *leak[:5])


def parallel_workers(watch, secret):
    """They show the text of the whole message, whichever of its statements they work for."""
    leader = libpq.Connection(watch.cluster.conninfo("postgres"))
    leader.simple("CREATE TABLE slow AS SELECT repeat('x', 1000) AS x FROM generate_series(1, 300)")
    for setting in ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size"):
        leader.simple(f"SET {setting} = 0")
    message = f"SELECT '{secret}'; SELECT count(pg_sleep(0.01)) FROM slow"
    running = threading.Thread(target=leader.simple, args=(message,))
    running.start()
    shown = set()
    while running.is_alive():
        shown.update(query for query, in watch.admin.extended(
            "SELECT query FROM pg_stat_activity WHERE backend_type = 'parallel worker'"))
        time.sleep(0.02)
    leader.close()
    tap.ok(any("FROM slow" in query for query in shown), "parallel workers show what they run")
    watch.keeps_nothing("\n".join(shown), secret, "and nothing of a secret in the same message")
    watch.new_log()


def whole_messages(watch, secret):
    """The server shows all of a message, also what stands between its statements, or in those that do not run yet."""
    app = libpq.Connection(watch.cluster.conninfo("app"))
    for name, message in {"a comment behind the last statement": f"SELECT 1; -- {secret}",
                          "a comment before the first": f"/* {secret} */ SELECT 1;",
                          "a comment between two": f"SELECT 1; /* {secret} */ SELECT 2"}.items():
        app.simple(message)
        watch.shows_nothing(secret, name)
    running = threading.Thread(target=app.simple, args=(f"SELECT pg_sleep(1); SELECT '{secret}'",))
    running.start()
    time.sleep(0.5)
    tap.ok(running.is_alive(), "the first statement of a message runs")
    watch.shows_nothing(secret, "a literal in the second is not shown then")
    running.join()
    app.simple("SELECT 'no secret'; -- at all")
    tap.equal(watch.shown(), ["SELECT 'no secret'; -- at all"], "a message without a secret is shown as it is")
    app.close()
    watch.new_log()


def prepared_statements(watch, secret):
    """Bind and Execute show the text anew."""
    watch.cluster.psql("-c", "CREATE ROLE unguarded LOGIN", "-c", "CREATE TABLE kept (x text)",
                       "-c", "ALTER TABLE kept OWNER TO unguarded")
    app = wire.Wire(watch.cluster.conninfo("unguarded"))
    app.prepare("plain", "SELECT 1, 'no secret'")
    for name, statement in {"a query": f"SELECT '{secret}'::text", "a change": f"INSERT INTO kept VALUES ('{secret}')",
                            "a change with a comment": f"UPDATE kept SET x = x; -- {secret}"}.items():
        app.prepare(name, statement)
        watch.shows_nothing(secret, f"{name} that is prepared", "unguarded")
        app.bind(name)
        watch.shows_nothing(secret, f"{name} that is bound", "unguarded")
        app.execute(name)
        watch.shows_nothing(secret, f"{name} that was executed", "unguarded")
        app.execute("plain")
        tap.equal(watch.shown("unguarded"), ["SELECT 1, 'no secret'"], "a statement without a secret is shown as it is")
    app.prepare("utility", f"COMMENT ON TABLE kept IS '{secret}'")
    app.execute("utility")
    watch.shows_nothing(secret, "a utility statement that was executed", "unguarded")
    app.close()
    watch.new_log()


def many_statements(cluster):
    """Each hands over what could be a secret; were the message searched anew for each, this would take many minutes."""
    connection = libpq.Connection(cluster.conninfo("postgres"))
    connection.simple("SET log_statement = none")
    for setting in ("log_duration", "debug_print_parse", "debug_print_rewritten", "debug_print_plan"):
        connection.simple(f"SET {setting} = off")
    connection.simple("SET log_min_duration_statement = -1; SET auto_explain.log_min_duration = -1; SET log_min_messages = warning")
    connection.simple("SET statement_timeout = '60s'")
    answers = connection.simple("SELECT 'authenticate';" * 100000)
    tap.ok(answers is not None, "a message of a hundred thousand statements is run in a minute")
    connection.close()


def main():
    with Cluster(*SETTINGS) as cluster:
        cluster.psql("-c", "CREATE FUNCTION sign_in(token text) RETURNS text LANGUAGE plpgsql AS "
                           "$$ BEGIN RETURN tenant_guard.authenticate(token); END $$",
                     "-c", "CREATE EXTENSION pg_stat_statements")
        watch = Watch(cluster)
        good, changed = token(1), token(2)
        tokens = {"good": good, "expired": token(2, ttl=-60), "changed": changed[:-20] + "A" * 20}
        for what, value in tokens.items():
            for way, act in ways_to_authenticate(value) + wrapped(value):
                error = watch.hand_over(f"{what}, {way}", value, act)
                is_accepted = what == "good" and not re.search("fail|broken|SET$|set_config", way)
                tap.ok((error is None) == is_accepted, f"{what}, {way}: it is {'accepted' if is_accepted else 'refused'}", error)
            for way, act in ways_to_execute(value):
                error = watch.hand_over(f"{what}, {way}", value, act, user="postgres")
                tap.ok(error is not None, f"{what}, {way}: it is refused, as an earlier user may have prepared it")
        no_tokens = garbled(token(3))
        for what, value in no_tokens.items():
            for way, act in ways_to_authenticate(value):
                error = watch.hand_over(f"{what}, {way}", value, act)
                tap.ok(error is not None, f"{what}, {way}: it is refused")
            for way, act in ways_to_execute(value):
                error = watch.hand_over(f"{what}, {way}", value, act, user="postgres")
                tap.ok(error is not None, f"{what}, {way}: it is refused")
        secret = "Kx9fJ2mQ7vR4tY1wZ8cB5nL3hG6dS0aPKx9fJ2mQ7vR4"
        for way, act in ways_to_add_a_key(secret):
            error = watch.hand_over(way, secret, act, user="postgres")
            tap.ok((error is None) == ("fails" not in way), f"{way}: as it should be", error)
        parallel_workers(watch, good)
        whole_messages(watch, good)
        prepared_statements(watch, good)
        many_statements(cluster)
        kept = cluster.psql("-c", "SELECT query FROM pg_stat_statements")
        tap.ok("tenant_guard.authenticate($1)" in kept, "pg_stat_statements counts statements")
        for what, value in {**tokens, **no_tokens, "the secret of a key": secret}.items():
            watch.keeps_nothing(kept, value, f"{what}: pg_stat_statements keeps nothing of it")
    tap.finish()


main()
