-- tenant_guard: concatenated from sql/install by the Makefile.
\echo Use "CREATE EXTENSION tenant_guard" to load this file. \quit

-- Without the library in every session the guard would be missing in silence.
DO $$
BEGIN
  IF NOT EXISTS (
      SELECT FROM pg_catalog.regexp_split_to_table(
          pg_catalog.current_setting('shared_preload_libraries'), '\s*,\s*') AS library
      WHERE pg_catalog.btrim(library, ' "') IN ('tenant_guard', '$libdir/tenant_guard')) THEN
    RAISE EXCEPTION USING
      ERRCODE = 'object_not_in_prerequisite_state',
      MESSAGE = 'tenant_guard must be loaded by "shared_preload_libraries"',
      DETAIL = pg_catalog.format('"shared_preload_libraries" is "%s".',
                                 pg_catalog.current_setting('shared_preload_libraries')),
      HINT = 'Add tenant_guard to "shared_preload_libraries" in postgresql.conf, restart the server, '
             'and run CREATE EXTENSION again.';
  END IF;
END
$$;

CREATE SCHEMA tenant_guard;
COMMENT ON SCHEMA tenant_guard IS 'The objects of extension tenant_guard.';
