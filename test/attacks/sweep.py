"""Every relation of the database that the role may read, read as tenant B: it is refused, or shows nothing of tenant A.
What is A's is known by A's id, and in the sample by the canaries."""
import libpq

CANDIDATES = """
SELECT c.oid::regclass::text FROM pg_class c
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relpersistence <> 't'
   AND relnamespace::regnamespace::text !~ '^(pg_|information_schema$|tenant_guard$)'
   AND has_table_privilege('{role}', c.oid, 'SELECT') AND has_schema_privilege('{role}', relnamespace, 'USAGE')
 ORDER BY 1
"""


def _reads(relation):
    yield f"SELECT r::text FROM {relation} r"
    yield f"COPY (SELECT * FROM {relation}) TO STDOUT"
    yield f"SELECT query_to_xml('SELECT * FROM {relation}', false, true, '')::text"


def sweep(target, report):
    id_of_a = target.tenants["a"]
    allowed, leaks = 0, []
    for (relation,) in target.admin.simple(target.fill(CANDIDATES)):
        for statement in _reads(relation):
            connection = target.connect()
            try:
                target.begin(connection, "b")
                rows = connection.simple(statement)
                allowed += 1
            except libpq.Error as error:
                rows = []
                # 22P02: its tenant column is of a type that this tenant's id is not written in.
                if error.sqlstate not in ("42501", "0A000", "22P02"):
                    report.note(f"sweep {statement}", f"fails with {error} and is not refused")
                    continue
            finally:
                connection.close()
            shown = [row for row in rows if id_of_a in str(row) or "canary-a" in str(row)]
            if target.by_hand:
                leaks += shown[:1]
            else:
                report.note(f"sweep {statement}", "IT SHOWS ROWS OF TENANT A" if shown else None, str(shown[:3]))
    if target.by_hand:
        report.note("sweep", None if leaks else "no relation shows another tenant's rows", "")
    else:
        report.note("sweep", None if allowed else "every relation is refused: the tenant cannot work")
