#!/usr/bin/python3
"""Drizzle on node-postgres: its migrator as the owner, queries as the guarded role, drizzle-kit's introspection, and
what stays refused."""
import json
import os
import pathlib
import subprocess
import tempfile

from shop import ACME, ACME_TOKEN, GLOBEX, GLOBEX_TOKEN, HERE, ShopCluster, Tap

SHARED = {"drizzle.__drizzle_migrations": "which migrations ran", "countries": "ISO 3166"}
APP = HERE / "drizzle_shop"


def node(cluster, *command, **environment):
    done = subprocess.run(command, cwd=APP, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "PGHOST": str(cluster.directory), "PGPORT": str(cluster.port),
                               "ACME_TOKEN": ACME_TOKEN, "GLOBEX_TOKEN": GLOBEX_TOKEN, "GLOBEX": GLOBEX, **environment})
    if done.returncode != 0:
        raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-3000:]}{cluster.log.read_text()[-3000:]}")
    return done.stdout


def migrate(tap, cluster):
    node(cluster, "node", "shop.js", "migrate")
    tap.equal(cluster.statuses(), {
        **dict.fromkeys(("customers", "orders", "tags", "invoices"), "protected"),
        **dict.fromkeys(("order_tags", *SHARED), "unprotected"),
    }, "tables with a tenant column are protected as the migrator makes them, the others are named")
    for relation, reason in SHARED.items():
        cluster.admin(f"SELECT tenant_guard.declare_shared('{relation}', '{reason}')")
    cluster.protect_via("order_tags", "orders")
    tap.ok("unprotected" not in cluster.statuses().values(), "after three statements none is left open", cluster.statuses())
    cluster.admin("INSERT INTO countries VALUES ('DE', 'Germany'), ('JP', 'Japan')")
    cluster.grant_crud()
    node(cluster, "node", "shop.js", "migrate")
    tap.ok(True, "and running the migrator again finds nothing to do")


def check_use(tap, cluster):
    seen = json.loads(node(cluster, "node", "shop.js", "use"))
    for name, tenant in (("acme", ACME), ("globex", GLOBEX)):
        own = seen[name]
        tap.equal((own["tenant"], own["upserted"]), (tenant, 1), f"{name} writes, upserts, and the database fills in the tenant")
        tap.equal((own["tenants"], own["count"]), ([tenant], 6), f"{name} reads its own rows and no other's")
        tap.equal(own["relations"], [f"{name} first", 2], f"{name} follows relations, also through the table in between")
        tap.equal((own["byCountry"], own["json"], own["locked"]),
                  ([{"code": "DE", "n": 2}, {"code": "JP", "n": 4}], f"{name} first", 2),
                  f"{name} joins shared data, looks into JSON and locks rows")
    tap.equal((seen["withoutToken"], seen["forged"]), ("28000", "28T08"), "no token and a forged one are refused")
    tap.equal(seen["refusals"], {"otherTenant": "42501", "shared": "42501", "session": "42501", "local": None, "stolen": 0},
              "neither another tenant's rows nor shared data nor the session can be changed")


def check_introspection(tap, cluster):
    with tempfile.TemporaryDirectory() as out:
        # Relative: drizzle-kit takes its output directory from where it runs.
        node(cluster, "node", "node_modules/drizzle-kit/bin.cjs", "pull", DRIZZLE_OUT=os.path.relpath(out, APP))
        pulled = pathlib.Path(out, "schema.ts").read_text(encoding="utf-8")
    tap.ok(all(f'pgTable("{table}"' in pulled for table in ("customers", "orders", "order_tags", "countries"))
           and 'uuid("tenant_id")' in pulled and "customer_name" in pulled, "drizzle-kit pull, as the owner, describes the schema", pulled)


def main():
    tap = Tap()
    with ShopCluster() as cluster:
        migrate(tap, cluster)
        check_use(tap, cluster)
        check_introspection(tap, cluster)
    tap.finish()


main()
