-- One call for agents and dashboards. PUBLIC may call it: it does what the caller's token allows.

CREATE FUNCTION tenant_guard.query(jwt text, sql text, params jsonb DEFAULT '[]', max_rows integer DEFAULT 1000)
  RETURNS SETOF jsonb LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'tenant_guard_query';
COMMENT ON FUNCTION tenant_guard.query(text, text, jsonb, integer) IS
  'Authenticates with the token, makes the rest of the transaction untrusted, runs one query as the calling role, '
  'and returns at most max_rows rows as JSON objects. params are the values of $1, $2, ... The SQLSTATEs are those of '
  'authenticate() (class 28) and of the query; 42601 for more than one statement, 0A000 for a command, 42701 for two '
  'columns of one name, 22023 and 22004 for wrong arguments.';
