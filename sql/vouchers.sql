-- SECURITY DEFINER functions that read as an owner whom row security does not hold: refused, unless somebody
-- vouched for this function as it is defined.
\getenv abs_srcdir PG_ABS_SRCDIR
\set tokens :abs_srcdir '/test/tokens/regress.psql'
\set ECHO none
\i :tokens
\set ECHO all
\set SHOW_CONTEXT never
\set super :USER

SET client_min_messages = warning;
SELECT FROM (SELECT tenant_guard.add_secret('hs', 'HS256', :'hs_secret_hex'::bytea)) AS added;
CREATE ROLE regress_tg_app LOGIN;
CREATE ROLE regress_tg_super SUPERUSER;
CREATE ROLE regress_tg_bypass BYPASSRLS;
CREATE ROLE regress_tg_plain LOGIN;
CREATE TABLE orders (tenant_id uuid NOT NULL, id int, v text);
CREATE TABLE forgotten (v text);
CREATE TABLE countries (code text);
SELECT tenant_guard.declare_shared('countries', 'ISO 3166');
INSERT INTO orders VALUES (:'acme', 1, 'acme'), (:'globex', 2, 'globex');
INSERT INTO forgotten VALUES ('a'), ('b'), ('c');
GRANT SELECT ON orders TO regress_tg_app, regress_tg_plain;
GRANT ALL ON forgotten, countries TO regress_tg_bypass, regress_tg_plain;
GRANT ALL ON orders TO regress_tg_bypass;
GRANT CREATE, USAGE ON SCHEMA public TO regress_tg_super, regress_tg_bypass;

-- All but one as the superuser regress_tg_super.
SET SESSION AUTHORIZATION regress_tg_super;
CREATE FUNCTION all_orders() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM orders); END $$;
CREATE FUNCTION all_orders_too() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM orders o); END $$;
CREATE FUNCTION in_sql() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ SELECT count(*) FROM orders $$;
CREATE FUNCTION in_rows() RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ SELECT v FROM orders ORDER BY id $$;
CREATE FUNCTION inlined() RETURNS SETOF orders LANGUAGE sql STABLE AS $$ SELECT * FROM public.orders $$;
CREATE FUNCTION by_helper() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ SELECT count(*) FROM inlined() $$;
CREATE FUNCTION recursive(depth int) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM orders) + CASE WHEN depth > 0 THEN recursive(depth - 1) ELSE 0 END; END $$;
CREATE FUNCTION nested() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN all_orders_too() + (SELECT count(*) FROM orders); END $$;
CREATE FUNCTION nested_and_caught() RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  own bigint;
BEGIN
  BEGIN
    PERFORM all_orders_too();
  EXCEPTION WHEN insufficient_privilege THEN
    SELECT count(*) INTO own FROM orders;
    RETURN 'refused inside, still read ' || own;
  END;
  RETURN 'not refused';
END $$;
CREATE FUNCTION fails() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT 1 / (count(*) - 2) FROM orders); END $$;
CREATE FUNCTION a_cursor() RETURNS refcursor LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ DECLARE c refcursor := 'returned'; BEGIN OPEN c FOR SELECT v FROM orders ORDER BY id; RETURN c; END $$;
CREATE FUNCTION unprotected() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM forgotten); END $$;
CREATE FUNCTION writes_shared() RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN INSERT INTO countries VALUES ('de'); END $$;
CREATE FUNCTION trapped() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_temp, public
  AS $$ BEGIN RETURN (SELECT count(*) FROM trap); END $$;
CREATE FUNCTION statistics() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM pg_statistic); END $$;
CREATE PROCEDURE a_procedure(INOUT total bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN total := (SELECT count(*) FROM orders); END $$;
CREATE FUNCTION loose() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN RETURN (SELECT count(*) FROM public.orders); END $$;
CREATE FUNCTION atomic() RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
  BEGIN ATOMIC SELECT count(*) FROM orders; END;
CREATE FUNCTION of_caller() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM public.orders); END $$;
SET SESSION AUTHORIZATION regress_tg_bypass;
CREATE FUNCTION as_bypass() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM orders); END $$;
RESET SESSION AUTHORIZATION;
CREATE VIEW others_view AS SELECT * FROM orders;
ALTER VIEW others_view OWNER TO regress_tg_bypass;
GRANT SELECT ON others_view TO PUBLIC;
CREATE FUNCTION by_others_view() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM others_view); END $$;
ALTER FUNCTION by_others_view() OWNER TO regress_tg_super;
SELECT tenant_guard.guard_role('regress_tg_app');

-- Without a voucher, refused, and the hint names the way.
\connect - regress_tg_app
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT FROM (SELECT tenant_guard.authenticate(:'a_hs')) AS authenticated;
SELECT all_orders();
\set VERBOSITY terse
SELECT in_sql();
SELECT * FROM in_rows();
SELECT by_helper();
SELECT recursive(2);
SELECT nested();
SELECT a_cursor();
SELECT unprotected();
SELECT writes_shared();
CALL a_procedure(0);
SELECT atomic();
SELECT as_bypass();
SELECT tenant_guard.allow_function('all_orders()', 'mine');
-- With invoker's rights it sees the tenant's rows, as ever.
SELECT of_caller();
ROLLBACK;
\connect - :super

\set VERBOSITY default
SELECT tenant_guard.allow_function(NULL, 'reason');
SELECT tenant_guard.allow_function('all_orders()', '');
SELECT tenant_guard.allow_function('of_caller()', 'reason');
SELECT tenant_guard.disallow_function('all_orders()');
SELECT tenant_guard.allow_function('loose()', 'a warning, as its caller decides what its names mean');
SELECT count(tenant_guard.allow_function(f::regprocedure, 'statistics over all tenants'))
  FROM unnest(ARRAY['all_orders()', 'in_sql()', 'in_rows()', 'by_helper()', 'recursive(int)', 'nested()',
                    'nested_and_caught()', 'fails()', 'a_cursor()', 'unprotected()', 'writes_shared()', 'trapped()',
                    'statistics()', 'a_procedure(bigint)', 'atomic()', 'as_bypass()', 'by_others_view()']) f;
\set VERBOSITY terse

-- With it, what the function reads as its owner is let through.
\connect - regress_tg_app
BEGIN;
SELECT FROM (SELECT tenant_guard.authenticate(:'a_hs')) AS authenticated;
SELECT all_orders(), in_sql(), by_helper(), atomic(), as_bypass(), unprotected();
SELECT * FROM in_rows();
SELECT recursive(2);
CALL a_procedure(0);
SELECT writes_shared();
-- The rest of the transaction is guarded as before.
SELECT count(*) FROM orders;
SELECT of_caller();
SELECT count(*) FROM forgotten;
-- A cursor that it returns is a part of its answer.
SELECT a_cursor();
FETCH ALL FROM returned;
-- Another SECURITY DEFINER function inside needs a voucher of its own, and its refusal leaves no trace.
SELECT nested();
SELECT all_orders_too();
SELECT nested_and_caught();
SELECT all_orders_too();
-- After an error inside nothing is open.
SELECT fails();
SELECT all_orders_too();
SELECT all_orders();
-- A view of somebody else's is not read as the function's owner.
SELECT by_others_view();
-- What is closed to everybody stays closed: catalogs about tenants, and temporary tables from before.
SELECT statistics();
ROLLBACK;
\connect - :super
SELECT tenant_guard.guard_role('regress_tg_plain');
CREATE TEMPORARY TABLE trap (v int);
SET ROLE regress_tg_plain;
\set VERBOSITY sqlstate
SELECT trapped();
\set VERBOSITY terse
\connect - :super

-- Without a tenant, under always.
\connect - regress_tg_app
SELECT all_orders();
\connect - :super

-- Every change of the definition takes the voucher back; what restores it exactly gives it back.
\set status 'SELECT status FROM tenant_guard.allowed_functions WHERE function = ''public.all_orders()'''
:status;
CREATE OR REPLACE FUNCTION all_orders() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) + 1 FROM orders); END $$;
:status;
\set VERBOSITY default
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
\set VERBOSITY terse
CREATE OR REPLACE FUNCTION all_orders() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$ BEGIN RETURN (SELECT count(*) FROM orders); END $$;
:status;
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() OWNER TO regress_tg_bypass;
:status;
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() OWNER TO regress_tg_super;
ALTER FUNCTION all_orders() SET search_path = public;
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() SET search_path = public, pg_temp;
ALTER FUNCTION all_orders() SET work_mem = '1MB';
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() RESET work_mem;
ALTER FUNCTION all_orders() STABLE;
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() VOLATILE;
ALTER FUNCTION all_orders() PARALLEL SAFE;
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() PARALLEL UNSAFE;
ALTER FUNCTION all_orders() RENAME TO all_orders_renamed;
ALTER FUNCTION all_orders_too() RENAME TO all_orders;
-- Another function under the name is another function.
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER FUNCTION all_orders() RENAME TO all_orders_too;
ALTER FUNCTION all_orders_renamed() RENAME TO all_orders;
-- The caller's search_path and quoting have no part in it.
SET quote_all_identifiers = on;
SET search_path = saas, public;
:status;
RESET quote_all_identifiers;
RESET search_path;
SELECT tenant_guard.disallow_function('all_orders()');
\connect - regress_tg_app
SELECT all_orders();
\connect - :super

-- To whom row security applies gains nothing by it: the rows of the tenant, and what nobody protected.
ALTER FUNCTION all_orders() OWNER TO regress_tg_plain;
SELECT tenant_guard.allow_function('all_orders()', 'of no use');
\connect - regress_tg_app
BEGIN;
SELECT FROM (SELECT tenant_guard.authenticate(:'a_hs')) AS authenticated;
SELECT all_orders();
ROLLBACK;
SELECT all_orders();
\connect - :super

-- Who is named with what reason, and that uses are counted: one for each call that crossed.
SELECT function, owner, status, reason, allowed_by = session_user AS by_me, uses, last_used IS NOT NULL AS was_used
  FROM tenant_guard.allowed_functions ORDER BY function COLLATE "C";
-- A name that nobody has is shown; what is dropped is forgotten, and not vouched for when somebody makes it again.
ALTER FUNCTION trapped() RENAME TO trapped_no_more;
SELECT function, status FROM tenant_guard.allowed_functions WHERE status <> 'in force';
ALTER FUNCTION trapped_no_more() RENAME TO trapped;
SELECT status FROM tenant_guard.allowed_functions WHERE function = 'public.trapped()';
DROP FUNCTION trapped();
SELECT count(*) FROM tenant_guard.allowed_functions WHERE function = 'public.trapped()';
-- The table is not for everybody.
\connect - regress_tg_plain
SELECT count(*) FROM tenant_guard.vouchers;
SELECT count(*) FROM tenant_guard.allowed_functions;
SELECT tenant_guard.disallow_function('in_sql()');
\connect - :super

-- Without its table the guard refuses to go on.
ALTER TABLE tenant_guard.vouchers RENAME TO elsewhere;
\connect - regress_tg_app
SELECT all_orders();
\connect - :super
ALTER TABLE tenant_guard.elsewhere RENAME TO vouchers;

SET client_min_messages = error;
DROP OWNED BY regress_tg_app, regress_tg_super, regress_tg_bypass, regress_tg_plain CASCADE;
DROP TABLE orders, forgotten, countries CASCADE;
DELETE FROM tenant_guard.vouchers;
DROP ROLE regress_tg_app, regress_tg_super, regress_tg_bypass, regress_tg_plain;
