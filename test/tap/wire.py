"""The protocol itself, message by message, for what libpq before 17 cannot send: Close of a prepared statement, and
portals with a name. Unix sockets and trust only."""
import os
import socket
import struct


class Refused(Exception):
    def __init__(self, fields):
        super().__init__(f"{fields['C']}: {fields['M']}")
        self.sqlstate = fields["C"]


def _string(text):
    return text.encode() + b"\0"


class Wire:
    def __init__(self, conninfo):
        options = dict(part.split("=", 1) for part in conninfo.split())
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(60)
        self.notices = []  # what the server has said beside its answers
        self._socket.connect(os.path.join(options["host"], f".s.PGSQL.{options['port']}"))
        start = struct.pack("!i", 196608) + _string("user") + _string(options["user"]) + _string("database") + _string(options["dbname"]) + b"\0"
        self._socket.sendall(struct.pack("!i", len(start) + 4) + start)
        self._answer()

    def close(self):
        self._socket.close()

    def simple(self, sql):
        return self._run([("Q", _string(sql))])

    def prepare(self, name, sql):
        return self._run([("P", _string(name) + _string(sql) + struct.pack("!h", 0)), ("S", b"")])

    def close_statement(self, name):
        return self._run([("C", b"S" + _string(name)), ("S", b"")])

    def bind(self, name, *values):
        return self._run([self._bind(name, "", values), ("S", b"")])

    def execute(self, name, *values, portal="", limit=0):
        return self._run([self._bind(name, portal, values), ("E", _string(portal) + struct.pack("!i", limit)), ("S", b"")])

    def fetch(self, portal, limit=0):
        return self._run([("E", _string(portal) + struct.pack("!i", limit)), ("S", b"")])

    @staticmethod
    def _bind(name, portal, values):
        data = b"".join(struct.pack("!i", len(value.encode())) + value.encode() for value in values)
        return ("B", _string(portal) + _string(name) + struct.pack("!hh", 0, len(values)) + data + struct.pack("!h", 0))

    def _run(self, messages):
        self._socket.sendall(b"".join(kind.encode() + struct.pack("!i", len(body) + 4) + body for kind, body in messages))
        return self._answer()

    def _read(self, size):
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionError("the server closed the connection")
            data += more
        return data

    def _answer(self):
        """The rows until the server is ready; the first error is raised then."""
        rows, error = [], None
        while True:
            kind, size = struct.unpack("!ci", self._read(5))
            body = self._read(size - 4)
            if kind == b"D":
                rows.append(self._row(body))
            elif kind == b"N":
                self.notices.append(self._fields(body))
            elif kind == b"E":
                error = error or Refused(self._fields(body))
            elif kind == b"Z":
                if error:
                    raise error
                return rows

    @staticmethod
    def _fields(body):
        return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}

    @staticmethod
    def _row(body):
        values, at = [], 2
        for _ in range(struct.unpack_from("!h", body)[0]):
            size = struct.unpack_from("!i", body, at)[0]
            at += 4
            values.append(None if size < 0 else body[at:at + size].decode())
            at += max(size, 0)
        return tuple(values)
