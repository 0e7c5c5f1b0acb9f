"""What the framework tests share: a server with an empty database "shop", and its roles.

shop_owner owns the tables and migrates, as a role without superuser rights; row_security is off for it, so that a
data migration under forced row security is an error instead of no rows. shop_maintenance bypasses row security, for data
migrations over all tenants. app is what the application logs in as, guarded always.
"""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tap"))
from cluster import Cluster, Tap, minting, tenant_id, token  # noqa: E402,F401

ACME, GLOBEX = tenant_id(1), tenant_id(2)
ACME_TOKEN, GLOBEX_TOKEN = token(1), token(2)

SETUP = """
CREATE ROLE shop_owner LOGIN;
ALTER ROLE shop_owner SET row_security = off;
CREATE ROLE shop_maintenance LOGIN BYPASSRLS IN ROLE pg_read_all_data, pg_write_all_data;
CREATE ROLE app LOGIN;
CREATE DATABASE shop OWNER shop_owner;
"""


class ShopCluster(Cluster):
    """A server with the database "shop": the extension, one key, the roles, and nothing else."""

    def _load_sample(self):
        for statement in filter(str.strip, SETUP.split(";")):
            self._run("psql", "-X", "-q", "-c", statement, self.conninfo("postgres", "postgres"))
        secret = minting.hmac_secret().hex()
        self.admin("CREATE EXTENSION tenant_guard",
                   f"SELECT tenant_guard.add_secret('hs', 'HS256', '\\x{secret}')",
                   "SELECT tenant_guard.guard_role('app')")

    def admin(self, *statements):
        """Runs statements as the superuser of the shop, and returns what the last one printed."""
        arguments = [part for statement in statements for part in ("-c", statement)]
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments,
                         self.conninfo("postgres", "shop"))

    def protect_via(self, relation, parent):
        """Isolates a table without a tenant column, which an ORM made between two others."""
        self.admin(f"SELECT tenant_guard.protect_via('{relation}', '{parent}')")

    def grant_crud(self):
        """What a deployment grants after its migrations."""
        self.admin("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app",
                   "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO app")

    def statuses(self):
        """Relation to status, of all that the migrations made."""
        rows = self.admin("SELECT relation::text || '=' || status FROM tenant_guard.protection ORDER BY 1")
        return dict(row.split("=") for row in rows.splitlines())
