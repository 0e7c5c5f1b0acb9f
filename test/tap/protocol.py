"""The messages of the protocol that libpq has no call for: Execute with a row count, and function calls. A connection to a
Unix socket where the server trusts everybody."""
import socket
import struct


class Error(Exception):
    def __init__(self, fields):
        super().__init__(fields.get("M", ""))
        self.sqlstate = fields.get("C", "")


class Connection:
    def __init__(self, cluster, user="app", database="sample"):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"{cluster.directory}/.s.PGSQL.{cluster.port}")
        parameters = b"".join(word.encode() + b"\0" for word in ("user", user, "database", database)) + b"\0"
        self._socket.sendall(struct.pack("!ii", len(parameters) + 8, 196608) + parameters)
        self._answers()

    def close(self):
        self._socket.close()

    def simple(self, sql):
        self._send(b"Q", sql.encode() + b"\0")
        return self._answers()[0]

    def call(self, function, *arguments):
        """A function call by OID, with arguments as text; the result as text."""
        body = struct.pack("!ihhh", function, 1, 0, len(arguments))
        for argument in arguments:
            body += struct.pack("!i", len(argument)) + argument.encode()
        self._send(b"F", body + struct.pack("!h", 0))
        return self._answers()[2]

    def open(self, sql):
        """Parse and Bind of the unnamed statement and portal, without Sync."""
        self._send(b"P", b"\0" + sql.encode() + b"\0" + struct.pack("!h", 0))
        self._send(b"B", b"\0\0" + struct.pack("!hhh", 0, 0, 0))

    def execute(self, rows):
        """So many more rows of the portal, and whether there may be others."""
        self._send(b"E", b"\0" + struct.pack("!i", rows))
        self._send(b"H", b"")
        got = []
        while True:
            kind, body = self._read()
            if kind == b"D":
                got.append(_row(body))
            elif kind == b"E":
                self.sync()
                raise Error(_fields(body))
            elif kind in (b"s", b"C"):
                return got, kind == b"s"

    def sync(self):
        self._send(b"S", b"")
        self._answers()

    def _send(self, kind, body):
        self._socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _exactly(self, size):
        got = b""
        while len(got) < size:
            more = self._socket.recv(size - len(got))
            if not more:
                raise Error({"C": "08006", "M": "connection closed"})
            got += more
        return got

    def _read(self):
        kind, size = struct.unpack("!ci", self._exactly(5))
        return kind, self._exactly(size - 4)

    def _answers(self):
        """What comes up to ReadyForQuery: rows, the state of the transaction, the result of a function."""
        rows, failed, value = [], None, None
        while True:
            kind, body = self._read()
            if kind == b"D":
                rows.append(_row(body))
            elif kind == b"V":
                size, = struct.unpack_from("!i", body)
                value = None if size < 0 else body[4:4 + size].decode()
            elif kind == b"E":
                failed = _fields(body)
                if failed.get("S") == "FATAL":
                    raise Error(failed)
            elif kind == b"Z":
                if failed:
                    raise Error(failed)
                return rows, body, value


def _row(body):
    count, = struct.unpack_from("!h", body)
    at, row = 2, []
    for _ in range(count):
        size, = struct.unpack_from("!i", body, at)
        at += 4
        row.append(None if size < 0 else body[at:at + size].decode())
        at += max(size, 0)
    return tuple(row)


def _fields(body):
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}
