#!/usr/bin/python3
"""auto_explain writes plans with row counts to the server's log. With client_min_messages = log they would reach the
client too, which is EXPLAIN ANALYZE by another door: "Rows Removed by Filter" counts the rows of other tenants."""
import wire
from cluster import Cluster, Tap, token

tap = Tap()
QUERY = "SELECT count(*) FROM customers WHERE notes LIKE 'canary-%'"


def said(connection, what):
    found = [notice for notice in connection.notices if what in notice["M"]]
    connection.notices.clear()
    return len(found)


with Cluster("shared_preload_libraries = 'auto_explain, tenant_guard'", "auto_explain.log_min_duration = 0",
             "auto_explain.log_analyze = on", "auto_explain.log_nested_statements = on") as cluster:
    admin = wire.Wire(cluster.conninfo("postgres"))
    admin.simple("SET client_min_messages = log")
    admin.simple(QUERY)
    tap.ok(said(admin, "Rows Removed by Filter") > 0, "who is not guarded and asks for it is shown the plan with its counts")
    admin.close()

    app = wire.Wire(cluster.conninfo())
    for how in ("SET LOCAL client_min_messages = log", "SELECT set_config('client_min_messages', 'debug1', true)"):
        app.simple("BEGIN")
        app.simple(f"SELECT tenant_guard.authenticate('{token(1)}')")
        app.simple(how)
        app.notices.clear()
        tap.equal(app.simple(QUERY), [("1",)], f"{how}: the tenant reads its row")
        tap.equal(said(app, "plan:"), 0, "and is shown no plan")
        app.simple("DO $$ BEGIN RAISE LOG 'of my own'; RAISE NOTICE 'heard'; PERFORM count(*) FROM customers; END $$")
        tap.equal(said(app, "Rows Removed"), 0, "nor those of nested statements")
        app.simple("DO $$ BEGIN RAISE NOTICE 'heard'; RAISE WARNING 'heard'; END $$")
        tap.equal(said(app, "heard"), 2, "notices and warnings arrive")
        app.simple("ROLLBACK")
    app.close()
    tap.ok(cluster.log.read_text(encoding="utf-8").count("Rows Removed by Filter") > 3, "the server's log has the plans")
tap.finish()
