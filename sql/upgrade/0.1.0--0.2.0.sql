-- By hand, before the fragments of sql/install run again: columns and constraints of tables that are there, and DROP of
-- what is gone or what CREATE OR REPLACE cannot change (a function's arguments or result, a view's columns).

ALTER TABLE tenant_guard.issuers ADD COLUMN token_type text CHECK (token_type IN ('JWT', 'at+jwt'));
ALTER TABLE tenant_guard.relations ADD COLUMN parent regclass, ADD COLUMN parent_constraint name;
ALTER TABLE tenant_guard.relations DROP CONSTRAINT relations_status_check;
ALTER TABLE tenant_guard.relations ADD CHECK (status IN ('protected', 'derived', 'shared')),
  ADD CHECK (status <> 'derived' OR parent IS NOT NULL AND parent_constraint IS NOT NULL);

