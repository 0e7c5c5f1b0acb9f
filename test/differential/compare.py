#!/usr/bin/python3
"""Compares the verifier with PyJWT, jose (npm) and José (latchset) on generated and mutated tokens.

  compare.py VERIFIER JOSE_LATCHSET [COUNT [SEED]]

What any of them refuses and the verifier accepts fails, and so does a tenant that they read differently - unless
decisions.tsv has the case and the reason. A decision that no longer occurs fails as well. Cases that must be accepted
or refused are checked for it. The last line is "N passed, M failed".
"""
import collections
import concurrent.futures
import csv
import datetime
import json
import logging
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

import jwt
import jwt.api_jwt

from cases import CASES, NOW
from keys import make_keys

HERE = pathlib.Path(__file__).resolve().parent
CHUNK = 4000
LIBRARIES = ("PyJWT", "jose-npm", "jose-latchset")
SHOWN = 5


class FixedClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(NOW, tz)


jwt.api_jwt.datetime = FixedClock


class Ring(dict):
    unknown = None


class Token:
    def __init__(self, case, key, octets):
        self.case, self.key, self.octets = case, key, octets


def generate(count, seed, ring):
    """Round by round: each case of cases.py with one algorithm, then each with the next."""
    source, made, turn = random.Random(seed), 0, 0
    names = list(ring)
    while made < count:
        case, key = CASES[turn % len(CASES)], ring[names[(turn + turn // len(CASES)) % len(names)]]
        turn += 1
        octets = case.make(source, key, ring)
        if octets is not None:
            made += 1
            yield Token(case, key, octets)


def filter_lines(command, lines):
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    answers = done.stdout.splitlines()
    if len(answers) != len(lines):
        sys.exit(f"{command[0]} answered {len(answers)} of {len(lines)} lines: {done.stderr[-500:]}")
    return answers


def read_answer(answer):
    """The tenant (None where it is not told), or False for a token that was refused."""
    word, _, tenant = answer.partition(" ")
    return (bytes.fromhex(tenant) if tenant else None) if word == "ok" else False


def ask_verifier(program, ring, tokens):
    setup = [f"now {NOW}"] + [f"add {json.dumps(key.jwk).encode().hex()}" for key in ring.values()]
    answers = filter_lines([program], setup + [f"jws {token.octets.hex()}" for token in tokens])
    for answer in answers[1:len(setup)]:
        assert answer.startswith("added "), answer
    return answers[len(setup):]


def ask_library(command, tokens):
    return [read_answer(a) for a in filter_lines(command, [f"{t.key.name} {t.octets.hex()}" for t in tokens])]


def ask_pyjwt(keys, tokens):
    def ask(token):
        try:
            claims = jwt.decode(token.octets, keys[token.key.name], algorithms=[token.key.alg],
                                options={"require": ["exp"], "verify_aud": False})
        except Exception:  # any error is a refusal; PyJWT lets some through that are not its own
            return False
        tenant = claims.get("tenant_id")
        return str(tenant).encode("utf-8", "surrogatepass")
    return [ask(token) for token in tokens]


def is_supported(library, token):
    return not (library == "jose-latchset" and token.key.alg == "EdDSA")


def judge(token, ours, theirs):
    """(what, library or None) for each way in which a token is not as it should be."""
    accepted = read_answer(ours) is not False
    if token.case.expected == "ok" and not accepted:
        yield "must be accepted", None
    if token.case.expected == "refused" and accepted:
        yield "must be refused", None
    for library, answer in theirs.items():
        if not accepted or not is_supported(library, token):
            continue
        if answer is False:
            yield "accepts what is refused by", library
        elif answer is not None and answer != read_answer(ours):
            yield "reads another tenant than", library


def read_decisions():
    with open(HERE / "decisions.tsv", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {(row["case"], row["what"], row["library"]): row["why"] for row in rows}


def main(verifier, latchset, count, seed):
    ring, unknown = make_keys()
    ring = Ring(ring)
    ring.unknown = unknown
    pyjwt_keys = {name: jwt.PyJWK(key.jwk).key for name, key in ring.items()}
    decisions, occurred = read_decisions(), collections.Counter()
    failures, reasons, agreed = [], collections.Counter(), collections.Counter()
    began, done = time.monotonic(), 0
    print(f"seed {seed}, {count} tokens, {len(set(c.label for c in CASES))} cases, {len(ring)} keys", flush=True)

    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor() as pool:
        keys_file = os.path.join(folder, "keys.json")
        with open(keys_file, "w") as file:
            json.dump({name: key.jwk for name, key in ring.items()}, file)
        commands = {"jose-npm": ["node", str(HERE / "jose_npm.mjs"), keys_file, str(NOW)],
                    "jose-latchset": [latchset, keys_file]}
        source = generate(count, seed, ring)
        while tokens := [token for _, token in zip(range(CHUNK), source)]:
            running = {name: pool.submit(ask_library, command, tokens) for name, command in commands.items()}
            ours = ask_verifier(verifier, ring, tokens)
            theirs = {"PyJWT": ask_pyjwt(pyjwt_keys, tokens)} | {n: r.result() for n, r in running.items()}
            for at, token in enumerate(tokens):
                answers = {name: theirs[name][at] for name in LIBRARIES}
                reasons[ours[at].split(" ")[0]] += 1
                agreed.update(name for name in LIBRARIES if is_supported(name, token)
                              and (answers[name] is False) == (read_answer(ours[at]) is False))
                faults = []
                for what, library in judge(token, ours[at], answers):
                    decision = (token.case.label, what, library or "")
                    if decision in decisions:
                        occurred[decision] += 1
                    else:
                        faults.append(f"{what} {library}" if library else what)
                if faults:
                    failures.append((f"{token.case.label}: {'; '.join(faults)}", token, ours[at].split(" ")[0]))
            done += len(tokens)
            if count > CHUNK:
                print(f"{done:8} tokens, {len(failures)} failed, {time.monotonic() - began:.0f} s", flush=True)

    print("what the verifier said:", ", ".join(f"{word} {n}" for word, n in reasons.most_common()))
    print("same verdict:", ", ".join(f"{name} {agreed[name]}" for name in LIBRARIES))
    gone = [" ".join(filter(None, decision)) for decision in decisions if not occurred[decision]]
    for decision in decisions:
        print(f"decided {occurred[decision]:6}  {' '.join(filter(None, decision))}")
    for fault, token, reason in failures[:SHOWN]:
        print(f"FAILED  {fault}; we said {reason}\n        {token.key.name} {token.octets!r}")
    for fault, times in collections.Counter(fault for fault, _, _ in failures).most_common():
        print(f"FAILED  {times} times: {fault}")
    for decision in gone:
        print(f"FAILED  decisions.tsv: {decision}: no longer occurs")
    print(f"{done - len(failures)} passed, {len(failures) + len(gone)} failed")
    return 1 if failures or gone else 0


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    logging.disable(logging.CRITICAL)
    sys.exit(main(sys.argv[1], sys.argv[2], int((sys.argv[3:] or ["6000"])[0]), int((sys.argv[4:] or ["1"])[0])))
