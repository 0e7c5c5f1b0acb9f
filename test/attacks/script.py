"""The language of the attack files: SQL with a few comment lines that say who runs what. README.md describes it."""
import pathlib
import re

KINDS = ("leak", "tamper", "remnant", "oracle")
SECTIONS = ("before", "first", "outside", "next", "state", "control", "after")
CANARY = re.compile("canary-a", re.IGNORECASE)
_HEADER = re.compile(r"-- attack (\S+) (\S+)(?: shows (.*))?$")
_VERDICT = re.compile(r"-- (guarded|untrusted|by hand): (\w+)(?: (.*))?$")


class Attack:
    def __init__(self, file, identity, kind, shows):
        if kind not in KINDS:
            raise ValueError(f"{file}: attack {identity} is of no known kind: {kind}")
        self.file, self.identity, self.kind = file, identity, kind
        self.shows = re.compile(shows) if shows else CANARY
        self.title = ""
        self.guarded = self.by_hand = None  # (word, rest)
        self.untrusted = ("stopped", "")
        self.sections = {name: [] for name in (*SECTIONS, "body")}

    def __getattr__(self, name):
        try:
            return self.__dict__["sections"][name]
        except KeyError:
            raise AttributeError(name) from None

    def check(self):
        if not self.guarded or not self.by_hand or not self.title:
            raise ValueError(f"{self.file}: attack {self.identity} lacks a title or a verdict")
        if self.guarded[0] not in ("refused", "harmless", "remains") or self.by_hand[0] not in ("succeeds", "safe"):
            raise ValueError(f"{self.file}: attack {self.identity} expects something unknown")
        if self.guarded[0] != "remains" and not self.control:
            raise ValueError(f"{self.file}: attack {self.identity} has no control")
        if self.kind == "tamper" and not self.state or self.kind == "remnant" and not self.next:
            raise ValueError(f"{self.file}: attack {self.identity} cannot be judged")
        if self.kind == "oracle" and "{guess}" not in " ".join(self.body):
            raise ValueError(f"{self.file}: attack {self.identity} guesses nothing")


def _is_complete(statement):
    return statement.startswith("\\") or (statement.endswith(";") and statement.count("$$") % 2 == 0)


def read(path):
    attacks, section, statement = [], None, ""
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if not statement and line.startswith("--"):
            if header := _HEADER.match(line):
                attacks.append(Attack(path.name, *header.groups()))
                section = "body"
            elif not attacks:
                continue  # the head of the file
            elif verdict := _VERDICT.match(line):
                setattr(attacks[-1], verdict[1].replace(" ", "_"), (verdict[2], verdict[3] or ""))
            elif line[3:] in SECTIONS:
                section = line[3:]
            elif line[3:] == "b":
                section = "body"
            else:
                attacks[-1].title = f"{attacks[-1].title} {line[3:]}".strip()
            continue
        if not line.strip():
            continue
        statement = f"{statement}\n{line}" if statement else line
        if _is_complete(statement):
            attacks[-1].sections[section].append(statement)
            statement = ""
    if statement:
        raise ValueError(f"{path}: the last statement has no end: {statement}")
    for attack in attacks:
        attack.check()
    return attacks
