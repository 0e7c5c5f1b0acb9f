#!/usr/bin/python3
"""Runs the attack files against a database and judges what came of them. README.md is the manual."""
import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys

import libpq
import script
import sweep
import warn

HERE = pathlib.Path(__file__).resolve().parent
NEEDS = ("dblink", "file_fdw", "pageinspect", "pg_buffercache", "pg_stat_statements", "pg_trgm", "pg_visibility", "pgrowlocks", "pgstattuple",
         "postgres_fdw", "tablefunc", "xml2")
# An attack that cannot find its target proves nothing: syntax errors, undefined objects, internal errors.
BROKEN = re.compile(r"42601|42P01|42703|42883|3F000|XX")


class Outcome:
    """What a series of statements answered."""

    def __init__(self):
        self.rows, self.error = [], None

    def answers(self):
        """Rows and details, without the message and its number."""
        return "\n".join([*(str(row) for row in self.rows), self.error.detail if self.error else ""])

    def text(self):
        return f"{self.answers()}\n{self.error or ''}"

    def __eq__(self, other):
        return self.rows == other.rows and (self.error and self.error.sqlstate) == (other.error and other.error.sqlstate)


class Target:
    """The database, its role, its two tenants, and how a transaction becomes one of theirs."""

    def __init__(self, by_hand, untrusted):
        environment = os.environ
        self.by_hand, self.untrusted = by_hand, untrusted
        self.role = environment.get("ATTACK_ROLE", "app")
        self.tenants = {"a": environment["ATTACK_TENANT_A"], "b": environment["ATTACK_TENANT_B"]}
        self._authenticate = {name: self._authentication(tenant) for name, tenant in self.tenants.items()}
        self.admin = libpq.Connection("options='-c client_min_messages=error'")

    def _authentication(self, tenant):
        if self.by_hand:
            return f"SET LOCAL app.tenant_id = '{tenant}'"
        command = shlex.split(os.environ["ATTACK_TOKEN"])
        token = subprocess.run([*command, tenant], check=True, capture_output=True, text=True).stdout.strip()
        return f"SELECT tenant_guard.authenticate('{token}')"

    def connect(self):
        # An attack that has to wait for somebody must not hold up the others.
        return libpq.Connection(f"user={self.role} options='-c client_min_messages=error -c lock_timeout=2s -c statement_timeout=20s'")

    def fill(self, text, guess=None):
        values = {**self.tenants, "role": self.role, "guess": guess,
                  "setting": "app.tenant_id" if self.by_hand else "tenant_guard.tenant_id"}
        return re.sub(r"\{(a|b|role|setting|guess)\}", lambda found: str(values[found[1]]), text)

    def begin(self, connection, tenant):
        connection.simple("BEGIN")
        connection.simple(self._authenticate[tenant])
        if self.untrusted and tenant == "b":
            connection.simple("SET LOCAL tenant_guard.profile = 'untrusted'")

    def psql(self, name):
        variables = [f"-v{key}={value}" for key, value in {**self.tenants, "role": self.role}.items()]
        subprocess.run(["psql", "-X", "-q", "-vON_ERROR_STOP=1", *variables, "-f", HERE / name], check=True, stdin=subprocess.DEVNULL)


def send(connection, statement):
    """A statement, or a message of the extended protocol."""
    if not statement.startswith("\\"):
        return connection.simple(statement)
    verb, rest = statement[1:].split(" ", 1)
    if verb == "extended":
        return connection.extended(rest)
    if verb == "execute":
        return connection.execute(*rest.split(" "))
    connection.prepare(*rest.split(" ", 1))
    return []


def run(target, connection, statements, guess=None):
    outcome = Outcome()
    for statement in statements:
        try:
            outcome.rows += send(connection, target.fill(statement, guess))
        except libpq.Error as error:
            outcome.error = error
            break
    return outcome


def run_as(target, connection, tenant, statements, guess=None):
    """In a transaction of the tenant, which is committed if nothing failed."""
    outcome = Outcome()
    try:
        target.begin(connection, tenant)
        outcome = run(target, connection, statements, guess)
        connection.simple("ROLLBACK" if outcome.error else "COMMIT")
    except libpq.Error as error:
        outcome.error = outcome.error or error
        try:
            connection.simple("ROLLBACK")
        except libpq.Error:
            pass  # the connection is gone, and the next one says so
    return outcome


class Verdict:
    def __init__(self, succeeded, first_error, evidence):
        self.succeeded, self.first_error, self.evidence = succeeded, first_error, evidence


def attempt(target, attack, guess=None):
    """The attack once, on a connection of its own: its outcome, and that of whoever comes next."""
    connection = target.connect()
    try:
        if attack.first:
            run_as(target, connection, "a", attack.first)
        done = run(target, connection, attack.outside, guess)
        if attack.body and not done.error:
            more = run_as(target, connection, "b", attack.body, guess)
            more.rows, done = done.rows + more.rows, more
        after = run_as(target, connection, "a", attack.next) if attack.next else Outcome()
    finally:
        connection.close()
    return done, after


def undisturbed(target, attack):
    connection = target.connect()
    try:
        if attack.first:
            run_as(target, connection, "a", attack.first)
        return run_as(target, connection, "a", attack.next)
    finally:
        connection.close()


def carry_out(target, attack):
    before = run(target, target.admin, attack.before)
    if before.error:
        raise libpq.Error(before.error.sqlstate, f"before: {before.error}")
    state = run(target, target.admin, attack.state)
    clean = undisturbed(target, attack) if attack.kind == "remnant" else None
    if attack.kind == "oracle":
        guesses = [run(target, target.admin, [f"SELECT value FROM attacks.guesses WHERE attack = '{attack.identity}' AND is_true = {is_true}"])
                   .rows for is_true in (True, False)]
        present, absent = (rows[0][0] if rows else default for rows, default in zip(guesses, ("1@a", "9@a")))
        (done, _), (other, _) = attempt(target, attack, present), attempt(target, attack, absent)
        succeeded, evidence = not done == other, f"{done.text()}\n- and for a wrong guess\n{other.text()}"
        error = done.error or other.error
    else:
        done, after = attempt(target, attack)
        error = done.error or after.error
        evidence = f"{done.text()}\n- the next\n{after.text()}"
        # A canary may be quoted by an error; what else is looked for could be a part of any message.
        shown = evidence if attack.shows == script.CANARY else done.answers() + after.answers()
        succeeded = {"leak": lambda: bool(attack.shows.search(shown)),
                     "tamper": lambda: not run(target, target.admin, attack.state) == state,
                     "remnant": lambda: not after == clean}[attack.kind]()
        if clean and clean.error:
            evidence += f"\n- and undisturbed\n{clean.text()}"
    undone = run(target, target.admin, attack.after)
    if undone.error:
        evidence += f"\n- after: {undone.error}"
    return Verdict(succeeded, error, evidence)


def judge_by_hand(attack, verdict):
    if verdict.succeeded != (attack.by_hand[0] == "succeeds"):
        return f"it {'succeeds' if verdict.succeeded else 'does not succeed'} against hand-written row security"
    return None


def judge_guarded(expected, verdict, documented):
    word, rest = expected
    state = verdict.first_error.sqlstate if verdict.first_error else None
    if word == "remains":
        if not verdict.succeeded:
            return "documented as remaining, and it does not succeed"
        is_documented = any(row.startswith(rest) for row in documented)
        return None if is_documented else f"docs/threat-model.md has no row that begins with \"{rest}\""
    if verdict.succeeded:
        return "IT SUCCEEDS"
    if word == "refused" and state not in rest.split():
        return f"refused with {state}, and not {rest}"
    if word == "stopped" and state and BROKEN.match(state) and state != "42P01":
        return f"broken: {state}"
    if word == "harmless" and state not in (None, *rest.split()):
        return f"fails with {state} instead of being harmless"
    return None


def judge_control(target, attack):
    connection = target.connect()
    try:
        outcome = run_as(target, connection, "b", attack.control)
    finally:
        connection.close()
    if outcome.error:
        return f"its control fails: {outcome.error}"
    return None if outcome.rows else "its control returns nothing"


def documented_rows():
    text = (HERE.parent.parent / "docs/threat-model.md").read_text(encoding="utf-8")
    return [line[2:] for line in text[text.index("## What remains"):].splitlines() if line.startswith("| ")]


class Report:
    def __init__(self):
        self.passed = self.failed = self.impossible = 0

    def note(self, name, complaint, evidence=""):
        if not complaint:
            self.passed += 1
            return
        self.failed += 1
        print(f"FAILED {name}: {complaint}")
        for line in evidence.splitlines()[:12]:
            print(f"    {line[:300]}")


def prepare(target):
    """Plants the targets. Returns the extensions that are not to be had."""
    target.psql("uproot.sql")
    target.psql("plant.sql")
    missing = set()
    for extension in NEEDS:
        try:
            # One that is there already, in a schema of its own, is the database's and is left alone.
            target.admin.simple(f"CREATE EXTENSION {extension} SCHEMA attacks")
        except libpq.Error:
            missing.add(extension)
            continue
        if (HERE / f"plant_{extension}.sql").exists():
            target.psql(f"plant_{extension}.sql")
    target.psql("by_hand.sql" if target.by_hand else "guard.sql")
    return missing


def judge(target, report, attack, documented):
    name = f"{attack.identity} {attack.title}"
    verdict = carry_out(target, attack)
    if verdict.first_error and BROKEN.match(verdict.first_error.sqlstate) and attack.by_hand[0] == "succeeds" and target.by_hand:
        report.note(name, f"broken: {verdict.first_error}", verdict.evidence)
    elif target.by_hand:
        report.note(name, judge_by_hand(attack, verdict), verdict.evidence)
    else:
        expected = attack.untrusted if target.untrusted else attack.guarded
        report.note(name, judge_guarded(expected, verdict, documented), verdict.evidence)
        if attack.control and not target.untrusted:
            report.note(name, judge_control(target, attack))


def compare_modes(target, report, attacks):
    """Under always and under warn. The role is left under always."""
    refused = 0
    for attack in attacks:
        complaint, is_refused = warn.compare(target, attack, run, attempt)
        refused += is_refused
        report.note(f"{attack.identity} {attack.title}", complaint)
    target.admin.simple(f"SELECT tenant_guard.guard_role('{target.role}')")
    print(f"{refused} of them are refused under always, and counted under warn")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--by-hand", action="store_true", help="against hand-written row security: the attacks must succeed")
    parser.add_argument("--untrusted", action="store_true", help="with tenant B under the profile untrusted")
    parser.add_argument("--warn", action="store_true", help="whether warn counts what always refuses")
    parser.add_argument("--only", help="the attacks whose id matches this regular expression")
    parser.add_argument("files", nargs="*", type=pathlib.Path)
    options = parser.parse_args()

    target, report = Target(options.by_hand, options.untrusted), Report()
    attacks = [attack for path in options.files or sorted(HERE.glob("classes/*.sql")) for attack in script.read(path)]
    attacks = [attack for attack in attacks if not options.only or re.search(options.only, attack.identity)]
    missing = prepare(target)
    known = len(attacks)
    attacks = [attack for attack in attacks if not any(need in attack.title.partition("(needs ")[2] for need in missing)]
    report.impossible = known - len(attacks)
    victim = target.connect()
    try:
        # Tenant A at work on another connection, for whoever looks there.
        victim.simple("SET application_name = 'canary-a'")
        target.begin(victim, "a")
        victim.simple("SELECT 'canary-a', pg_advisory_xact_lock(471111)")
        if options.warn:
            compare_modes(target, report, attacks)
        else:
            documented = documented_rows()
            for attack in attacks:
                judge(target, report, attack, documented)
            if not options.only:
                sweep.sweep(target, report)
    finally:
        victim.close()
        target.admin.simple("ROLLBACK")
        target.psql("uproot.sql")
    succeed = sum(attack.by_hand[0] == "succeeds" for attack in attacks)
    print(f"{known} attacks, of which {succeed} succeed against hand-written row security"
          + (f"; {report.impossible} not possible here (missing: {', '.join(sorted(missing))})" if missing else ""))
    print(f"{report.passed} passed, {report.failed} failed")
    sys.exit(report.failed > 0)


if __name__ == "__main__":
    main()
