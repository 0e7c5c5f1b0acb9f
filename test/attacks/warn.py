"""Each attack under `always` and under `warn`: what always refuses is counted under warn, in the same words, and where always
refuses nothing, warn counts nothing. Under warn the attack goes on where always has stopped it, so that more may be counted."""
import re

COUNTED = "SELECT kind, sqlstate, object, reason FROM tenant_guard.violations WHERE role = '{role}'"
# A session's own schema has its number in its name.
SESSION_SCHEMA = re.compile(r"pg_temp_\d+")


def _counted(target, mode, run, attack, attempt):
    run(target, target.admin, [f"SELECT tenant_guard.guard_role('{target.role}', '{mode}')"])
    run(target, target.admin, attack.before)
    run(target, target.admin, ["SELECT tenant_guard.reset_violations()"])
    done, _ = attempt(target, attack, "1@a" if attack.kind == "oracle" else None)
    found = run(target, target.admin, [COUNTED]).rows
    run(target, target.admin, attack.after)
    counted = {tuple(SESSION_SCHEMA.sub("pg_temp", str(value)) for value in row) for row in found}
    return counted, done.error


def compare(target, attack, run, attempt):
    """What is wrong, or None; and whether always refuses anything of it."""
    refused, _ = _counted(target, "always", run, attack, attempt)
    warned, error = _counted(target, "warn", run, attack, attempt)
    # Rights that the role does not have: always says more before PostgreSQL says no.
    if refused - warned and not (error and "permission denied for table" in str(error)):
        return f"always refuses what warn does not count: {sorted(refused - warned)}", True
    if warned and not refused:
        return f"warn counts what always does not refuse: {sorted(warned)}", False
    return None, bool(refused & warned)
