-- What the guard would say of a statement.

CREATE FUNCTION tenant_guard.explain_access(
    sql text, as_role regrole DEFAULT NULL,
    OUT relation text, OUT allowed boolean, OUT reason text, OUT remedy text, OUT kind text, OUT read_as text, OUT statement int)
  RETURNS SETOF record LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'tenant_guard_explain_access';
COMMENT ON FUNCTION tenant_guard.explain_access(text, regrole) IS
  'A row per relation of the statements, command and function of note: would a guarded transaction that has authenticated be '
  'refused it, why, and what would mend it. Runs nothing. as_role is for who may become that role (SQLSTATE 42501).';
