"""libpq itself, for what no Python driver in Debian can send: named statements and parameters in the extended protocol,
and each result of a message with several statements."""
import ctypes
import ctypes.util

_library = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
for _name, _result, _arguments in (
        ("PQconnectdb", ctypes.c_void_p, [ctypes.c_char_p]),
        ("PQfinish", None, [ctypes.c_void_p]),
        ("PQstatus", ctypes.c_int, [ctypes.c_void_p]),
        ("PQsocket", ctypes.c_int, [ctypes.c_void_p]),
        ("PQerrorMessage", ctypes.c_char_p, [ctypes.c_void_p]),
        ("PQtransactionStatus", ctypes.c_int, [ctypes.c_void_p]),
        ("PQexec", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p]),
        ("PQexecParams", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
                                           ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]),
        ("PQprepare", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]),
        ("PQexecPrepared", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p,
                                             ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int]),
        ("PQresultStatus", ctypes.c_int, [ctypes.c_void_p]),
        ("PQresultErrorField", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int]),
        ("PQntuples", ctypes.c_int, [ctypes.c_void_p]),
        ("PQnfields", ctypes.c_int, [ctypes.c_void_p]),
        ("PQgetisnull", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
        ("PQgetvalue", ctypes.c_char_p, [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]),
        ("PQgetCopyData", ctypes.c_int, [ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_int]),
        ("PQgetResult", ctypes.c_void_p, [ctypes.c_void_p]),
        ("PQfreemem", None, [ctypes.c_void_p]),
        ("PQclear", None, [ctypes.c_void_p])):
    _function = getattr(_library, _name)
    _function.restype, _function.argtypes = _result, _arguments

_FINE = (0, 1, 2)  # empty query, command, tuples
_COPY_OUT = 3
_SQLSTATE, _MESSAGE, _DETAIL, _CONTEXT = ord("C"), ord("M"), ord("D"), ord("W")


class Error(Exception):
    def __init__(self, sqlstate, message, detail=""):
        super().__init__(f"{sqlstate}: {message}")
        self.sqlstate = sqlstate
        self.detail = detail  # with the context: all else that the client is told


def _values(parameters):
    return (ctypes.c_char_p * max(len(parameters), 1))(
        *(None if value is None else str(value).encode() for value in parameters))


class Connection:
    def __init__(self, conninfo):
        self._connection = _library.PQconnectdb(conninfo.encode())
        if _library.PQstatus(self._connection) != 0:
            message = _library.PQerrorMessage(self._connection).decode()
            self.close()
            raise Error("08001", message)

    def close(self):
        if self._connection:
            _library.PQfinish(self._connection)
            self._connection = None

    def socket(self):
        return _library.PQsocket(self._connection)

    def in_transaction(self):
        return _library.PQtransactionStatus(self._connection) not in (0, 4)

    def simple(self, sql):
        """One message of the simple protocol; the rows of its last statement."""
        return self._rows(_library.PQexec(self._connection, sql.encode()))

    def extended(self, sql, *parameters):
        """Parse, Bind and Execute of the unnamed statement."""
        return self._rows(_library.PQexecParams(self._connection, sql.encode(), len(parameters), None,
                                                _values(parameters), None, None, 0))

    def prepare(self, name, sql):
        """Parse of a named statement."""
        self._rows(_library.PQprepare(self._connection, name.encode(), sql.encode(), 0, None))

    def execute(self, name, *parameters):
        """Bind and Execute of a named statement."""
        return self._rows(_library.PQexecPrepared(self._connection, name.encode(), len(parameters),
                                                  _values(parameters), None, None, 0))

    def _rows(self, result):
        if not result:
            raise Error("08006", _library.PQerrorMessage(self._connection).decode())
        try:
            if _library.PQresultStatus(result) == _COPY_OUT:
                return self._copied()
            if _library.PQresultStatus(result) not in _FINE:
                sqlstate = _library.PQresultErrorField(result, _SQLSTATE) or b"08006"
                message = _library.PQresultErrorField(result, _MESSAGE) or _library.PQerrorMessage(self._connection)
                more = (_library.PQresultErrorField(result, field) or b"" for field in (_DETAIL, _CONTEXT))
                raise Error(sqlstate.decode(), message.decode().strip(), b"\n".join(more).decode())
            return [tuple(None if _library.PQgetisnull(result, row, column)
                          else _library.PQgetvalue(result, row, column).decode()
                          for column in range(_library.PQnfields(result)))
                    for row in range(_library.PQntuples(result))]
        finally:
            _library.PQclear(result)

    def _copied(self):
        """The lines of COPY TO STDOUT, a row of one column each."""
        lines = []
        line = ctypes.c_void_p()
        while (size := _library.PQgetCopyData(self._connection, ctypes.byref(line), 0)) > 0:
            lines.append((ctypes.string_at(line, size).decode().rstrip("\n"),))
            _library.PQfreemem(line)
        while result := _library.PQgetResult(self._connection):
            self._rows(result)
        return lines
