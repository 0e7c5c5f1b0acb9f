-- Adding and validating foreign keys as an owner without superuser rights. Forced row security hides every
-- row from that owner; a constraint that was checked against no rows would be marked as valid.
SET client_min_messages = warning;
CREATE ROLE regress_tg_owner;
CREATE ROLE regress_tg_writer BYPASSRLS;
CREATE SCHEMA saas AUTHORIZATION regress_tg_owner;
SET ROLE regress_tg_owner;
CREATE TABLE saas.customers (tenant_id text NOT NULL, id int PRIMARY KEY);
CREATE TABLE saas.orders (tenant_id text NOT NULL, customer int);
CREATE TABLE saas.parts (tenant_id text NOT NULL, customer int REFERENCES saas.customers) PARTITION BY LIST (tenant_id);
CREATE TABLE saas.of_acme (tenant_id text NOT NULL, customer int);
RESET ROLE;
GRANT USAGE ON SCHEMA saas TO regress_tg_writer;
GRANT ALL ON ALL TABLES IN SCHEMA saas TO regress_tg_writer;
SET ROLE regress_tg_writer;
INSERT INTO saas.customers VALUES ('acme', 1), ('globex', 2);
INSERT INTO saas.orders VALUES ('acme', 1), ('globex', 3);
INSERT INTO saas.of_acme VALUES ('acme', 3);

-- With a row that violates it: refused, in each way that a foreign key comes to be.
\set VERBOSITY terse
SET ROLE regress_tg_owner;
SELECT count(*) AS hidden_from_the_owner FROM saas.orders;
ALTER TABLE saas.orders ADD FOREIGN KEY (customer) REFERENCES saas.customers;
ALTER TABLE saas.orders ADD CONSTRAINT later FOREIGN KEY (customer) REFERENCES saas.customers NOT VALID;
ALTER TABLE saas.orders VALIDATE CONSTRAINT later;
ALTER TABLE saas.orders ADD COLUMN first_customer int DEFAULT 3 REFERENCES saas.customers;
ALTER TABLE saas.parts ATTACH PARTITION saas.of_acme FOR VALUES IN ('acme');
-- The sight ends with the statement, also with one that failed in a savepoint.
BEGIN;
SAVEPOINT a;
ALTER TABLE saas.orders VALIDATE CONSTRAINT later;
ROLLBACK TO a;
SELECT count(*) AS still_hidden FROM saas.orders;
COMMIT;

-- Without one: done, also for an owner who asks for an error instead of hidden rows.
SET ROLE regress_tg_writer;
UPDATE saas.orders SET customer = 2 WHERE customer = 3;
UPDATE saas.of_acme SET customer = 1;
SET ROLE regress_tg_owner;
SET row_security = off;
ALTER TABLE saas.orders ADD CONSTRAINT at_once FOREIGN KEY (customer) REFERENCES saas.customers;
ALTER TABLE saas.orders VALIDATE CONSTRAINT later;
ALTER TABLE saas.orders ADD COLUMN first_customer int DEFAULT 1 REFERENCES saas.customers;
ALTER TABLE saas.parts ATTACH PARTITION saas.of_acme FOR VALUES IN ('acme');
RESET row_security;
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint
 WHERE contype = 'f' AND connamespace = 'saas'::regnamespace ORDER BY 1::text, 2;
SELECT count(*) AS still_hidden FROM saas.orders;

RESET ROLE;
DROP SCHEMA saas CASCADE;
DROP OWNED BY regress_tg_owner, regress_tg_writer;
DROP ROLE regress_tg_owner, regress_tg_writer;
