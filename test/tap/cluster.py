"""What the cluster tests in Python share: a server with the library and the sample in it, tokens, and TAP.

A test leaves nothing running: use Cluster as a context manager.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import uuid

TEST = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TEST / "tokens"))
import mint as minting  # noqa: E402


def tenant_id(number):
    """The id of a tenant of the sample by its number."""
    return str(uuid.UUID(hashlib.md5(f"tenant-{number}".encode()).hexdigest()))


def token(number, ttl=3600, **changes):
    now = int(time.time())
    claims = minting.sample_claims(tenant_id(number), sub=f"user_{number}", iat=now, exp=now + ttl)
    claims.update(changes)
    return minting.mint(claims, "HS256", "hs")


class Tap:
    """Prints TAP; the exit status is the number of tests that failed."""

    def __init__(self):
        self.tests = self.failures = 0

    def ok(self, is_ok, name, *evidence):
        self.tests += 1
        self.failures += not is_ok
        print(f"{'ok' if is_ok else 'not ok'} {self.tests} - {name}", flush=True)
        if not is_ok:
            for item in evidence:
                for line in str(item).splitlines():
                    print(f"# {line}", flush=True)
        return is_ok

    def equal(self, got, expected, name):
        return self.ok(got == expected, name, f"got      {got!r}", f"expected {expected!r}")

    def finish(self):
        print(f"1..{self.tests}", flush=True)
        sys.exit(min(self.failures, 250))


class Cluster:
    """A server of one's own on a Unix socket in a directory of its own, with the sample loaded and protected."""

    port = 54329  # only in the name of the socket

    def __init__(self, *settings):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="tg."))
        self.data = self.directory / "data"
        self.log = self.directory / "server.log"
        self._settings = settings

    def __enter__(self):
        try:
            self._run("initdb", "--no-sync", "-A", "trust", "-U", "postgres", "--encoding", "UTF8", "-D", self.data)
            with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
                for setting in ("listen_addresses = ''", f"unix_socket_directories = '{self.directory}'",
                                f"port = {self.port}", "shared_preload_libraries = 'tenant_guard'", "fsync = off",
                                *self._settings):
                    conf.write(setting + "\n")
            self._run("pg_ctl", "-s", "-w", "-D", self.data, "-l", self.log, "start")
            self._load_sample()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if (self.data / "postmaster.pid").exists():
            subprocess.run(["pg_ctl", "-s", "-w", "-D", self.data, "-m", "immediate", "stop"], check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def conninfo(self, user="app", database="sample"):
        return f"host={self.directory} port={self.port} user={user} dbname={database}"

    def psql(self, *arguments):
        return self._run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", *arguments,
                         self.conninfo("postgres"))

    def _load_sample(self):
        self._run("psql", "-X", "-q", "-c", "CREATE DATABASE sample", self.conninfo("postgres", "postgres"))
        secret = minting.hmac_secret().hex()
        self.psql("-v", "scale=50", "-f", TEST / "sample/load.sql", "-c", "CREATE EXTENSION tenant_guard",
                  "-f", TEST / "sample/protect.sql",
                  "-c", f"SELECT tenant_guard.add_secret('hs', 'HS256', '\\x{secret}')")

    @staticmethod
    def _run(*command):
        done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False, env={**os.environ, "PGOPTIONS": ""})
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout.strip()
