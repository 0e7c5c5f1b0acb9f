#!/usr/bin/python3
"""Runs published test vectors through the verifier.

  check.py VERIFIER WYCHEPROOF     the compiled verifier.cc; a folder with Wycheproof's files

A vector says "authentic" (the signature is good), "refused" or "key refused". Most payloads are no claims, so a token
counts as authentic when the verifier came as far as its claims: none is read before the signature was good. Where the
verifier differs from a vector, differences.tsv has the reason; a difference that is not in it fails, and so does a
row of it that no longer occurs. The last line is "N passed, M failed".
"""
import csv
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RFCS = ["rfc7515", "rfc7520", "rfc8037"]
# Of Wycheproof's testvectors_v1, and how many tests they had when differences.tsv was written: with fewer, they were not read right.
WYCHEPROOF = {"json_web_signature": 401, "json_web_key": 26, "json_web_crypto": 49}
# Said only of a token whose signature was good (src/jose/token.cc).
AFTER_THE_SIGNATURE = {"ok", "expired", "not_yet_valid", "issued_in_future", "too_old", "claims_malformed",
                       "issuer_mismatch", "audience_mismatch", "tenant_missing"}


class Verifier:
    """Collects the commands of all vectors, and asks one process once."""

    def __init__(self, program):
        self.program, self.commands, self.answers = program, [], []

    def ask(self, command, argument=""):
        self.commands.append(f"{command} {argument}".strip())
        return len(self.commands) - 1

    def run(self):
        done = subprocess.run([self.program], input="\n".join(self.commands) + "\n", capture_output=True, text=True,
                              check=True)
        self.answers = done.stdout.splitlines()
        assert len(self.answers) == len(self.commands), "the verifier did not answer every line"


def to_hex(text):
    return text.encode("utf-8", "surrogatepass").hex()


def is_refused_as_a_set(keys):
    """What add_jwks() refuses before it looks at a single key (sql/install/30_keys.sql)."""
    kids = [key["kid"] for key in keys if key.get("kid")]
    return len({key.get("kty") == "oct" for key in keys}) > 1 or len(kids) != len(set(kids))


class Vector:
    """One token against the keys of one ring."""

    def __init__(self, name, why, keys, jws, expected, reason=None):
        self.name, self.why, self.keys, self.jws, self.expected, self.reason = name, why, keys, jws, expected, reason

    def ask(self, verifier):
        verifier.ask("clear")
        keys = [] if len(self.keys) > 1 and is_refused_as_a_set(self.keys) else self.keys
        self.added = [verifier.ask("add", to_hex(json.dumps(key))) for key in keys]
        self.verdict = verifier.ask("jws", to_hex(self.jws))

    def outcome(self, verifier):
        """What the vector calls it, and the reason word or sentence behind it."""
        added = [verifier.answers[at] for at in self.added]
        if not any(answer.startswith("added") for answer in added):
            return "key refused", added[0].partition(" ")[2] if added else "The set of keys is refused."
        reason = verifier.answers[self.verdict].split(" ")[0]
        return ("authentic" if reason in AFTER_THE_SIGNATURE else "refused"), reason

    def is_met_by(self, outcome, reason):
        # For Wycheproof, "invalid" is a token that is not accepted, for whichever reason.
        return outcome in self.expected and (self.reason is None or reason.startswith(self.reason))


def without_one_bit(jws):
    """The token with another signature: a positive vector proves little without a negative one."""
    text, _, signature = jws.rpartition(".")
    return f"{text}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def rfc_vectors(name):
    for test in json.loads((HERE / f"{name}.json").read_text())["tests"]:
        keys = [{**test["key"], **test.get("given", {})}]
        yield Vector(f"{name} {test['id']}", test["why"], keys, test["jws"], {test["expect"]})
        if test["expect"] == "authentic":
            yield Vector(f"{name} {test['id']}, changed", "another signature", keys, without_one_bit(test["jws"]),
                         {"refused"})


def own_vectors(name):
    """Ours say which reason is expected, unless the kind of refusal is not the point."""
    content = json.loads((HERE / f"{name}.json").read_text())
    for test in content["tests"]:
        keys = [content["keys"][number] for number in test["keys"]]
        yield Vector(f"{name} {test['id']}", test["why"], keys, test["jws"], {test["expect"]}, test["reason"])


def public_part(key):
    if key.get("kty") == "oct":
        return key
    return {name: value for name, value in key.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth")}


def wycheproof_vectors(folder, name):
    for group in json.loads((folder / f"{name}_test.json").read_text())["testGroups"]:
        ring = group.get("public") or group["private"]
        keys = [public_part(key) for key in ring.get("keys", [ring])]
        for test in group["tests"]:
            if "jws" not in test:  # encryption
                continue
            expected = {"authentic"} if test["result"] == "valid" else {"refused", "key refused"}
            # A few are in the JSON serialization.
            jws = test["jws"] if isinstance(test["jws"], str) else json.dumps(test["jws"])
            yield Vector(f"{name} {test['tcId']}", test["comment"], keys, jws, expected)


def read_differences():
    with open(HERE / "differences.tsv", newline="") as file:
        return {row["vector"]: row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)}


def main(program, folder):
    vectors = [vector for name in RFCS for vector in rfc_vectors(name)] + list(own_vectors("attacks"))
    suites = [*RFCS, "attacks", *WYCHEPROOF]
    failures = []
    for name, least in WYCHEPROOF.items():
        theirs = list(wycheproof_vectors(folder, name))
        vectors += theirs
        if len(theirs) < least:
            failures.append(f"{name}: {len(theirs)} tests, and there were {least}")

    verifier = Verifier(program)
    for vector in vectors:
        vector.ask(verifier)
    verifier.run()

    differences = read_differences()
    seen, passed = set(), dict.fromkeys(suites, 0)
    for vector in vectors:
        outcome, reason = vector.outcome(verifier)
        suite = vector.name.split(" ")[0]
        listed = differences.get(vector.name)
        if listed:
            seen.add(vector.name)
        if vector.is_met_by(outcome, reason) and listed:
            failures.append(f"{vector.name}: is listed as a difference and is none")
        elif vector.is_met_by(outcome, reason) or (listed and reason == listed["ours"]):
            passed[suite] += 1
        else:
            failures.append(f"{vector.name} ({vector.why}): expected {' or '.join(sorted(vector.expected))}, "
                            f"got {outcome}: {reason}{f' and not {vector.reason}' if vector.reason else ''}")
    for name in differences:
        if name not in seen:
            failures.append(f"{name}: is listed as a difference and does not exist")

    for suite in suites:
        listed = sum(name.split(" ")[0] == suite for name in seen)
        print(f"{suite:20} {passed[suite]:4} passed, of which {listed} as listed differences")
    for failure in failures:
        print(f"FAILED  {failure}")
    print(f"{sum(passed.values())} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
