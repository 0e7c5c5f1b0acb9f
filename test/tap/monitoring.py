#!/usr/bin/python3
"""The views violations and stat_tenants: what is counted, that nothing of it depends on the transaction's end, and that a
full table neither refuses a client nor hides that it was full."""
import subprocess
import threading
import uuid

from cluster import Cluster, Tap, minting, tenant_id, token

tap = Tap()


def run(cluster, script, user="app", database="sample"):
    """What psql printed and the SQLSTATEs of the errors; a script goes on after an error."""
    done = subprocess.run(["psql", "-XqAt", "-v", "VERBOSITY=sqlstate", cluster.conninfo(user, database)], input=script,
                          capture_output=True, text=True, check=False)
    return (done.stdout + "".join(line.rpartition("ERROR:  ")[2] for line in done.stderr.splitlines(True))).strip()


def violations(cluster, condition="true"):
    return cluster.psql("-c", "SELECT kind, mode, role, sqlstate, object, reason, count FROM tenant_guard.violations"
                        f" WHERE {condition} ORDER BY 1, 2, 4, 5, 6").splitlines()


def tenants(cluster, condition="true"):
    return cluster.psql("-c", "SELECT tenant, transactions, statements_refused, statements_would_be_refused, tokens_refused"
                        f" FROM tenant_guard.stat_tenants WHERE {condition} ORDER BY 1").splitlines()


def reset(cluster):
    cluster.psql("-c", "SELECT tenant_guard.reset_violations(), tenant_guard.reset_stat_tenants()")


def begin(jwt):
    return f"BEGIN;\n\\o /dev/null\nSELECT tenant_guard.authenticate('{jwt}');\n\\o\n"


def counting(cluster):
    reset(cluster)
    tap.equal(violations(cluster), [], "nothing was refused yet")
    tap.equal(tenants(cluster), [], "and no tenant was seen")

    acme, globex = tenant_id(1), tenant_id(2)
    answer = run(cluster, begin(token(1)) + "SELECT count(*) > 0 FROM customers;\nSELECT count(*) FROM customer_names;\nROLLBACK;\n")
    tap.equal(answer, "t\n42501", "a tenant reads its rows and is refused a forgotten table")
    refused = "statement|refused|app|42501|public.customer_names|relation \"...\" is not protected for tenant isolation"
    tap.equal(violations(cluster), [f"{refused}|1"], "the refusal is counted, though its transaction was rolled back")
    tap.equal(tenants(cluster), [f"{acme}|1|1|0|0"], "and counted for the tenant")

    for _ in range(3):
        run(cluster, begin(token(2)) + "SELECT count(*) FROM customer_names;\n")
    tap.equal(violations(cluster), [f"{refused}|4"], "the same again is the same row")
    tap.equal(tenants(cluster), sorted([f"{acme}|1|1|0|0", f"{globex}|3|3|0|0"]), "of each tenant its own")
    tap.equal(cluster.psql("-c", "SELECT first_seen < last_seen AND last_seen <= clock_timestamp() AND database = 'sample'"
                           " FROM tenant_guard.violations"), "t", "first and last are seen")

    run(cluster, begin(token(1)) + "SAVEPOINT a;\nSELECT count(*) FROM customer_names;\nROLLBACK TO a;\n"
        f"SELECT tenant_guard.authenticate('{token(1)}');\nCOMMIT;\n")
    tap.equal(tenants(cluster, f"tenant = '{acme}'"), [f"{acme}|2|2|0|0"], "a fresh token in the transaction is no other transaction")

    expired, forged = token(1, ttl=-60), token(1)[:-8] + "AAAAAAAA"
    for bad in (expired, forged, "x"):
        run(cluster, f"SELECT tenant_guard.authenticate('{bad}');")
    tap.equal(violations(cluster, "kind = 'token'"), [
        "token|refused|app|28T03||malformed|1", "token|refused|app|28T08||signature_mismatch|1",
        "token|refused|app|28T09||expired|1"], "tokens are counted by what was wrong with them")
    tap.equal(tenants(cluster, f"tenant = '{acme}'"), [f"{acme}|2|2|0|1"],
              "for the tenant, only where the signature says whose it is")

    everything = cluster.psql("-c", "SELECT v::text FROM tenant_guard.violations v UNION ALL SELECT t::text FROM tenant_guard.stat_tenants t")
    tap.ok(not any(word in everything for word in ("eyJ", "viewer", "user_1", "SELECT")),
           "no token, no claim and no statement is in the views", everything)


def every_path(cluster):
    """A line and a count for each refusal, whichever part of the guard refuses."""
    outside = [
        ("rows without a tenant", "SELECT count(*) FROM customers;", "28000"),
        ("setting the tenant", "SET tenant_guard.tenant_id = 'x';", "42501"),
        ("setting the role", "SET ROLE app;", "42501"),
        ("changing the role by set_config", "BEGIN; SELECT FROM set_config('role', 'app_two', true);\nSELECT count(*) FROM customers;", "42501"),
        ("changing it in the statement that authenticates",
         f"BEGIN; SELECT FROM set_config('role', 'app_two', true), tenant_guard.authenticate('{token(1)}');", "42501"),
        ("a session setting left by set_config", "BEGIN; SELECT FROM set_config('search_path', 'x', false);\nCOMMIT;", "42501"),
        ("authenticating and reading", f"SELECT tenant_guard.authenticate('{token(1)}'), count(*) FROM customers;", "28000"),
        ("a prepared statement that is left", "PREPARE p AS SELECT 1;", "42501"),
    ]
    inside = [
        ("authenticating and reading in a transaction", f"SELECT tenant_guard.authenticate('{token(1)}'), count(*) FROM customers;", "0A000"),
        ("another tenant", f"SELECT tenant_guard.authenticate('{token(2)}');", "28T18"),
        ("a function", "SELECT pg_sleep(0), pg_stat_get_activity(NULL);", "42501"),
        ("a statement", "CREATE TABLE other (id int);", "42501"),
        ("a catalog", "SELECT count(*) FROM pg_stats;", "42501"),
        ("a setting", "SET search_path = x;", "42501"),
        ("a session lock", "SELECT pg_advisory_lock(1);", "42501"),
    ]
    shield = [
        ("setting the tenant by set_config, as superuser", "SELECT set_config('tenant_guard.tenant_id', 'x', true);", "42501"),
        ("disabling row security", "ALTER TABLE customers DISABLE ROW LEVEL SECURITY;", "42501"),
        ("dropping the policy", "DROP POLICY tenant_guard_isolation ON customers;", "42501"),
        ("dropping the tenant column by CASCADE", "DROP TYPE own_type CASCADE;", "42501"),
    ]
    cluster.psql("-c", "CREATE DOMAIN own_type AS uuid", "-c", "CREATE TABLE by_type (tenant_id own_type)",
                 "-c", "SELECT tenant_guard.protect('by_type')", "-c", "CREATE ROLE app_two", "-c", "GRANT app_two TO app")
    for rows, user, before in ((outside, "app", ""), (inside, "app", begin(token(1))), (shield, "postgres", "")):
        for what, sql, sqlstate in rows:
            reset(cluster)
            start = cluster.log.stat().st_size
            answer = run(cluster, before + sql, user=user)
            tap.ok(answer.endswith(sqlstate), f"{what}: {sqlstate}", answer)
            counted = cluster.psql("-c", f"SELECT sum(count) FILTER (WHERE mode = 'refused' AND sqlstate = '{sqlstate}'), sum(count)"
                                   " FROM tenant_guard.violations")
            tap.equal(counted, "1|1", f"{what}: is counted once")
            with open(cluster.log, encoding="utf-8") as log:
                log.seek(start)
                lines = [line for line in log if "tenant_guard event=" in line]
            tap.ok(len(lines) == 1 and f'sqlstate="{sqlstate}"' in lines[0], f"{what}: leaves one line", *lines)


def crossings(cluster):
    """Whoever sees every tenant's rows unguarded leaves a line, once per transaction."""
    cluster.psql("-c", "CREATE ROLE etl LOGIN BYPASSRLS", "-c", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO etl",
                 "-c", "CREATE ROLE clerk LOGIN", "-c", "CREATE VIEW for_clerks AS SELECT * FROM customers",
                 "-c", "GRANT SELECT ON for_clerks, customers, countries TO clerk")
    both = "BEGIN;\nSELECT count(*) > 0 FROM orders;\nSELECT count(*) > 0 FROM customers;\nCOMMIT;\n"
    for what, user, sql, answer, line in (
            ("a superuser", "postgres", both, "t\nt", 'object="public.orders" role="postgres" read_as="postgres"'),
            ("a role with BYPASSRLS", "etl", both, "t\nt", 'object="public.orders" role="etl" read_as="etl"'),
            ("COPY by it", "etl", "\\o /dev/null\nCOPY customers TO STDOUT;", "", 'object="public.customers" role="etl" read_as="etl"'),
            ("a superuser's view", "clerk", "SELECT count(*) > 0 FROM for_clerks;", "t", 'object="public.customers" role="clerk" read_as="postgres"'),
            ("whom row security applies to", "clerk", "SELECT count(*) FROM customers;", "0", None),
            ("what is shared", "etl", "SELECT count(*) > 0 FROM countries;", "t", None),
            ("who was left out", "etl", "", "", None)):
        if what == "who was left out":
            cluster.psql("-c", "ALTER ROLE etl SET tenant_guard.log_crossings = off")
            sql, answer = both, "t\nt"
        start = cluster.log.stat().st_size
        tap.equal(run(cluster, sql, user), answer, f"{what}: reads")
        with open(cluster.log, encoding="utf-8") as log:
            log.seek(start)
            lines = [entry.partition("event=cross_tenant ")[2].strip() for entry in log if "tenant_guard event=" in entry]
        tap.equal(lines, [line] if line else [], f"{what}: {'leaves one line' if line else 'leaves none'}")


def full_tables(cluster):
    reset(cluster)
    script = ["DO $$ BEGIN FOR i IN 1..1500 LOOP BEGIN EXECUTE format('SET client.s%s = 1', i);"
              " EXCEPTION WHEN insufficient_privilege THEN NULL; END; END LOOP; END $$;", "SELECT count(*) FROM customers;"]
    tap.equal(run(cluster, "\n".join(script)), "28000", "a client that fills the table is refused as ever")
    tap.equal(cluster.psql("-c", "SELECT sum(count), count(*) FILTER (WHERE object LIKE 'client.%') < 1000,"
                           " bool_or(object IS NULL AND count > 500), count(*) FILTER (WHERE sqlstate = '28000')"
                           " FROM tenant_guard.violations"), "1501|t|t|1",
              "what found no room is counted without its name, and another refusal has a row")

    count = 4200
    jwts = [minting.mint(minting.sample_claims(str(uuid.UUID(int=number)), sub="u", iat=1717100000, exp=4102444800), "HS256", "hs")
            for number in range(count)]
    halves = ["\n".join(f"BEGIN; SELECT FROM tenant_guard.authenticate('{jwt}'); COMMIT;" for jwt in part)
              for part in (jwts[:count // 2], jwts[count // 2:])]
    answers = []
    threads = [threading.Thread(target=lambda half=half: answers.append(run(cluster, half))) for half in halves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tap.equal(answers, ["", ""], "more tenants than fit authenticate without an error")
    tap.equal(cluster.psql("-c", "SELECT sum(transactions), count(tenant) < 4100, count(*) FILTER (WHERE tenant IS NULL AND transactions > 100)"
                           " FROM tenant_guard.stat_tenants"), f"{count}|t|1", "those that found no room are in one row")
    tap.equal(run(cluster, begin(jwts[-1]) + "SELECT count(*) FROM customers;\nSELECT tenant_guard.tenant_id();"), f"0\n{uuid.UUID(int=count - 1)}",
              "and are isolated as the others")
    reset(cluster)
    tap.equal(violations(cluster) + tenants(cluster), [], "the views can be emptied")


def access(cluster):
    for view in ("violations", "stat_tenants"):
        tap.equal(run(cluster, f"SELECT * FROM tenant_guard.{view};"), "42501", f"{view} is not for everybody")
        tap.equal(run(cluster, f"SELECT tenant_guard.reset_{view}();"), "42501", f"nor is emptying {view}")
    for function in ("violation_counts", "tenant_counts", "function_uses"):
        tap.equal(run(cluster, f"SELECT * FROM tenant_guard.{function}();"), "42501", f"nor {function}()")
    run(cluster, "SELECT count(*) FROM customers;")
    subprocess.run(["psql", "-Xq", "-c", "CREATE DATABASE other", "-c", r"\c other", "-c", "CREATE EXTENSION tenant_guard",
                    cluster.conninfo("postgres", "postgres")], check=True)
    tap.equal(run(cluster, "SELECT count(*) FROM tenant_guard.violations; SELECT tenant_guard.reset_violations();", "postgres", "other"), "0",
              "another database has its own")
    tap.ok(len(violations(cluster)) > 0, "and does not empty this one's")
    cluster.psql("-c", "CREATE ROLE dba LOGIN", "-c", "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA tenant_guard TO dba",
                 "-c", "GRANT SELECT ON tenant_guard.violations, tenant_guard.stat_tenants TO dba")
    tap.equal(run(cluster, "SELECT count(*) > 0 FROM tenant_guard.violations;", "dba"), "t", "who was granted it sees them")


with Cluster() as server:
    counting(server)
    every_path(server)
    access(server)
    crossings(server)
    full_tables(server)
tap.finish()
