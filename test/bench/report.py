#!/usr/bin/env python3
"""Prints the figures of test/bench/run as tables, each beside its target. Reads lines of a name, a tab and a number.
A figure that is missing is an error; a target that is missed is printed, and is none."""
import sys

figures = {}
for line in sys.stdin:
    name, value = line.split("\t")
    figures[name] = float(value)

met, missed = [], []


def verdict(what, value, limit, unit="", at_least=False):
    """One line: the figure, its target, and whether it is met."""
    good = value >= limit if at_least else value <= limit
    bound = "at least" if at_least else "at most"
    text = f"{what}: {value:.3g}{unit} ({bound} {limit:g}{unit})"
    (met if good else missed).append(text)
    print(f"  {'met   ' if good else 'MISSED'}  {text}")


def row(*cells):
    print("  " + f"{cells[0]:<30}" + "".join(f"{cell:>16}" for cell in cells[1:]))


def core():
    print("Verifying a token, outside the server (microseconds of processor time)")
    row("", "OpenSSL floor", "ours", "ours - floor", "libjwt", "ratio")
    algorithms = [name.split("/")[1] for name in figures if name.startswith("core/") and name.endswith("/floor")]
    for algorithm in algorithms:
        floor, ours = figures[f"core/{algorithm}/floor"], figures[f"core/{algorithm}/ours"]
        libjwt = figures.get(f"core/{algorithm}/libjwt")
        row(algorithm, f"{floor:.2f}", f"{ours:.2f}", f"{figures[f'core/{algorithm}/added']:.2f}",
            f"{libjwt:.1f}" if libjwt else "-", f"{libjwt / ours:.1f}" if libjwt else "-")
    row("SHA-256 of a token", f"{figures['core/digest']:.2f}")
    for algorithm in algorithms:
        verdict(f"{algorithm}, ours - floor", figures[f"core/{algorithm}/added"], 5, " us")
    for algorithm, limit in (("RS256", 15), ("ES256", 7)):
        verdict(f"{algorithm}, libjwt / ours", figures[f"core/{algorithm}/libjwt"] / figures[f"core/{algorithm}/ours"],
                limit, at_least=True)


def per_call(algorithm):
    """Of a token that is not remembered, less a call of nothing on the same tokens."""
    return figures[f"calls/{algorithm}"] - figures[f"calls/{algorithm}/nothing"]


def calls():
    print("\nauthenticate() inside the server, per call of many in one statement, less a call of nothing; the floor is of the same"
          "\ntokens at the same time (microseconds of processor time)")
    row("", "OpenSSL floor", "ours", "ours - floor")
    cached = figures["calls/cached"] - figures["calls/nothing_same"]
    pgcrypto = figures["calls/pgcrypto"] - figures["calls/HS256/nothing"]
    row("remembered token", "", f"{cached:.2f}")
    algorithms = ("HS256", "RS256", "ES256", "EdDSA")
    for algorithm in algorithms:
        ours, floor = per_call(algorithm), figures[f"calls/{algorithm}/floor"]
        row(algorithm, f"{floor:.2f}", f"{ours:.2f}", f"{figures[f'calls/{algorithm}/added']:.2f}")
    row("HS256 in SQL with pgcrypto", "", f"{pgcrypto:.2f}", f"{pgcrypto / per_call('HS256'):.1f} times")
    verdict("remembered token, per call", cached, 1.5, " us")
    for algorithm in algorithms:
        verdict(f"{algorithm} not remembered, per call, less the floor", figures[f"calls/{algorithm}/added"], 5, " us")
    fresh, idle = figures["fresh/authenticate"] / 1000, figures["fresh/nothing"] / 1000
    print(f"  first statement of a new connection, processor time: authenticate() {fresh:.2f} ms, one that does nothing {idle:.2f} ms")
    verdict("first authenticate() of a new connection", fresh, 1.2, " ms")


def transactions():
    print("\nA transaction that reads one row by its key (microseconds; ratio to the one without authentication)")
    row("", "prepared", "ratio", "simple", "ratio", "one message", "/ 3 messages")
    base = {form: figures[f"transaction/{form}/base"] for form in ("prepared", "simple")}
    names = [name.split("/")[2] for name in figures if name.startswith("transaction/prepared/")]
    for name in names:
        cells = [name]
        for form in ("prepared", "simple"):
            value = figures[f"transaction/{form}/{name}"]
            cells += [f"{value:.0f}", f"{value / base[form]:.2f}"]
        one = figures[f"transaction/one_message/{name}"]
        row(*cells, f"{one:.0f}", f"{one / base['simple']:.2f}")

    def ratio(form, name, to):
        return figures[f"transaction/{form}/{name}"] / figures[f"transaction/{form}/{to}"]

    for form in ("prepared", "simple"):
        verdict(f"remembered token / set_config, {form}", ratio(form, "cached", "set_config"), 1.05)
        verdict(f"remembered token / PostgREST's eight settings, {form}", ratio(form, "cached", "postgrest"), 1)
    # BEGIN, set_config, the look-up, COMMIT.
    verdict("one message with a remembered token / four messages with set_config",
            figures["transaction/one_message/cached"] / figures["transaction/simple/set_config"], 0.6)


def cost():
    print("\nThe same, as processor time of a backend that runs one of them over and over (microseconds)")
    forms = ("prepared", "simple", "one_message")
    row("", *forms)
    for name in (name.split("/")[2] for name in figures if name.startswith("cost/prepared/")):
        row(name, *(f"{figures[f'cost/{form}/{name}']:.1f}" for form in forms))
    # Verification alone: against the same transaction with a tenant that nobody verified, set_config() and row security by hand. Ours has
    # the context and the guard on top, which is counted as verification.
    for form in forms:
        ours, by_sql = (figures[f"verification/{form}/{by}_more_than_unverified"] for by in ("HS256", "pgcrypto"))
        all_ours, all_by_sql = (figures[f"verification/{form}/{by}_more_than_nothing"] for by in ("HS256", "pgcrypto"))
        print(f"  {form}, HS256 more than an unverified tenant: ours {ours:.1f}, in SQL {by_sql:.1f};"
              f" more than no tenant and no row security: ours {all_ours:.1f}, in SQL {all_by_sql:.1f}"
              f" ({all_by_sql / max(all_ours, 1):.0f} times)")
        verdict(f"HS256 in a transaction, in SQL with pgcrypto / ours, more than an unverified tenant, {form}",
                by_sql / max(ours, 1), 40, at_least=True)


def row_security():
    ways = ("literal", "ours", "current_setting", "claims")
    print("\nRow security, against the same query with a literal tenant and no row security")
    row("", *ways)
    for kind in ("scan", "look_up", "planning", "estimate"):
        literal = figures[f"{kind}/literal"]
        row(kind, *(f"{figures[f'{kind}/{way}'] / literal:.2f}" for way in ways))

    def ratio(kind, name, to):
        return figures[f"{kind}/{name}"] / figures[f"{kind}/{to}"]

    verdict("sequential scan", ratio("scan", "ours", "literal"), 1.25)
    verdict("key look-up", ratio("look_up", "ours", "literal"), 1.05)
    verdict("planning of a key look-up", ratio("planning", "ours", "literal"), 1.05)
    verdict("rows estimated, difference in percent", abs(ratio("estimate", "ours", "literal") - 1) * 100, 1)
    verdict("scan, policy with current_setting() / ours", ratio("scan", "current_setting", "ours"), 4, at_least=True)
    verdict("scan, policy on jsonb claims / ours", ratio("scan", "claims", "ours"), 40, at_least=True)


def guard():
    print("\nInstructions of a key look-up in a transaction (callgrind)")
    row("", "prepared", "ratio", "planned", "ratio")
    without = {form: figures[f"instructions/{form}/without_library"] for form in ("prepared", "planned")}
    for name in ("without_library", "not_authenticated", "guarded", "guarded_among_many", "isolated", "isolated_among_many"):
        cells = [name]
        for form in ("prepared", "planned"):
            count = figures[f"instructions/{form}/{name}"]
            cells += [f"{count:.0f}", f"{count / without[form]:.4f}"]
        row(*cells)
    for form, limit in (("prepared", 0.5), ("planned", 0.6)):
        guarded = figures[f"instructions/{form}/guarded"]
        verdict(f"the guard, {form}, percent more instructions", (guarded / without[form] - 1) * 100, limit)
        verdict(f"the guard among ten thousand protected tables, {form}, percent more than among few",
                (figures[f"instructions/{form}/guarded_among_many"] / guarded - 1) * 100, 0.5)


core()
calls()
transactions()
cost()
row_security()
guard()
print(f"\n{len(met)} targets met, {len(missed)} missed")
for text in missed:
    print(f"missed: {text}")
