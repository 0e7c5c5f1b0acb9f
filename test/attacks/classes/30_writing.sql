-- Writing to another tenant.

-- attack D01 tamper
-- UPDATE of an own row to tenant A
UPDATE attacks.accounts SET tenant_id = '{a}' WHERE tenant_id = '{b}';
-- state
SELECT count(*) FROM attacks.accounts WHERE tenant_id = '{a}';
-- guarded: refused 42501
-- by hand: safe
-- control
UPDATE attacks.accounts SET tenant_id = '{b}' RETURNING 1;

-- attack D02 tamper
-- INSERT of a row of tenant A
INSERT INTO attacks.accounts (tenant_id, secret) VALUES ('{a}', 'forged');
-- state
SELECT count(*) FROM attacks.accounts WHERE tenant_id = '{a}';
-- guarded: refused 42501
-- by hand: safe
-- control
INSERT INTO attacks.accounts (tenant_id, secret) VALUES ('{b}', 'own-b') RETURNING 1;

-- attack D03 tamper
-- MERGE into tenant A's rows
MERGE INTO attacks.accounts a USING (VALUES (1)) x (id) ON a.id = x.id WHEN MATCHED THEN DELETE;
-- state
SELECT count(*) FROM attacks.accounts WHERE tenant_id = '{a}';
-- guarded: harmless
-- by hand: safe
-- control
UPDATE attacks.accounts SET secret = secret RETURNING 1;

-- attack D04 tamper
-- ON CONFLICT DO UPDATE of tenant A's row
INSERT INTO attacks.accounts (id, secret) VALUES (1, 'forged') ON CONFLICT (id) DO UPDATE SET secret = 'forged';
-- state
SELECT secret FROM attacks.accounts WHERE tenant_id = '{a}' ORDER BY id;
-- guarded: refused 42501
-- by hand: safe
-- control
INSERT INTO attacks.accounts (email, secret) VALUES ('1@b', 'own-b') ON CONFLICT (email) DO UPDATE SET balance = 1 RETURNING 1;

-- attack D05 tamper
-- COPY FROM into a forgotten table (its data does not matter: the statement must not begin)
INSERT INTO attacks.forgotten VALUES ('{a}', 'forged');
-- state
SELECT count(*) FROM attacks.forgotten;
-- after
DELETE FROM attacks.forgotten WHERE secret = 'forged';
-- guarded: refused 42501
-- by hand: succeeds
-- control
INSERT INTO attacks.accounts (secret) VALUES ('own-b') RETURNING 1;

-- attack D06 tamper
-- DELETE that cascades into a partition of tenant A
DELETE FROM attacks.by_tenant_a;
-- state
SELECT count(*) FROM attacks.by_tenant WHERE tenant_id = '{a}';
-- after
INSERT INTO attacks.by_tenant SELECT tenant_id, secret FROM attacks.accounts WHERE tenant_id = '{a}' AND NOT EXISTS (SELECT FROM attacks.by_tenant_a);
-- guarded: harmless
-- by hand: succeeds
-- control
DELETE FROM attacks.by_tenant_b RETURNING 1;
ROLLBACK;

-- attack D08 oracle
-- A foreign key says which ids exist in other tenants
INSERT INTO attacks.items (tenant_id, account_id) SELECT '{b}', CASE '{guess}' WHEN '1@a' THEN 1 ELSE 99999 END;
-- guarded: remains existence
-- by hand: succeeds

-- attack D09 oracle
-- A unique column that spans tenants says that a value exists
INSERT INTO attacks.accounts (email, secret) VALUES ('{guess}', 'own-b');
ROLLBACK;
-- guarded: remains existence
-- by hand: succeeds

-- attack D10 oracle
-- ON CONFLICT DO NOTHING says it without an error
INSERT INTO attacks.accounts (email, secret) VALUES ('{guess}', 'own-b') ON CONFLICT DO NOTHING RETURNING email = '';
ROLLBACK;
-- guarded: remains existence
-- by hand: succeeds

-- attack D11 oracle
-- A deferrable unique constraint says it when it is checked
INSERT INTO attacks.tickets SELECT '{b}', CASE '{guess}' WHEN '1@a' THEN 1 ELSE 99999 END;
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
-- guarded: remains existence
-- by hand: succeeds

-- attack D12 oracle
-- An exclusion constraint says it
INSERT INTO attacks.bookings SELECT '{b}', CASE '{guess}' WHEN '1@a' THEN 1 ELSE 99999 END;
ROLLBACK;
-- guarded: remains existence
-- by hand: succeeds

-- attack D13 leak
-- The error of a unique violation, of a foreign key and of a check quotes a row that is not one's own
INSERT INTO attacks.accounts (email, secret) VALUES ('1@a', 'own-b');
-- guarded: harmless 23505
-- by hand: safe
-- control
INSERT INTO attacks.accounts (email, secret) VALUES ('4@b', 'own-b') RETURNING 1;

-- attack D13b leak
-- The error of a foreign key quotes the row that it did not find
INSERT INTO attacks.items (tenant_id, account_id, secret) VALUES ('{b}', 99999, 'own-b');
-- guarded: harmless 23503
-- by hand: safe
-- control
INSERT INTO attacks.items (tenant_id, account_id, secret) SELECT tenant_id, id, secret FROM attacks.accounts RETURNING 1;

-- attack D13c leak shows \)=\(
-- The error of an exclusion constraint quotes the row that is there
INSERT INTO attacks.bookings VALUES ('{b}', 1, 'own-b');
-- guarded: harmless 23P01
-- by hand: safe
-- control
INSERT INTO attacks.bookings VALUES ('{b}', 4711, 'own-b') RETURNING 1;
ROLLBACK;

-- attack D13d leak
-- The error of a check or of NOT NULL quotes the row
UPDATE attacks.accounts SET balance = NULL;
-- guarded: harmless 23502
-- by hand: safe
-- control
UPDATE attacks.accounts SET balance = 0 RETURNING 1;
ROLLBACK;

-- attack D15 leak
-- The error of WITH CHECK quotes the row
UPDATE attacks.accounts SET tenant_id = '{a}', secret = secret;
-- guarded: refused 42501
-- by hand: safe
-- control
UPDATE attacks.accounts SET secret = secret RETURNING 1;

-- attack D16 tamper
-- The key-share lock on tenant A's row that a child row of tenant B takes
INSERT INTO attacks.items (tenant_id, account_id) VALUES ('{b}', 1);
-- state
SELECT count(*) FROM attacks.items WHERE tenant_id = '{b}' AND account_id = 1;
-- after
DELETE FROM attacks.items WHERE tenant_id = '{b}' AND account_id = 1;
-- guarded: remains locks on own rows
-- by hand: succeeds

-- attack D14 tamper
-- Ids taken in advance of the sequence: tenant A's next INSERT fails
INSERT INTO attacks.accounts (id, secret) SELECT last_value + 1, 'own-b' FROM generate_series(7, 7) AS s (last_value);
-- state
SELECT count(*) FROM attacks.accounts WHERE id = 8 AND tenant_id = '{b}';
-- before
DELETE FROM attacks.accounts WHERE id > 6;
SELECT setval('attacks.accounts_id_seq', 7);
-- after
DELETE FROM attacks.accounts WHERE id > 6;
-- guarded: remains ids and references
-- by hand: succeeds

-- attack D19 tamper
-- A row of tenant A that refers to one of tenant B goes when B deletes it
-- before
INSERT INTO attacks.items VALUES ('{a}', 2, 'canary-a-refers');
-- b
DELETE FROM attacks.accounts WHERE id = 2;
-- state
SELECT count(*) FROM ONLY attacks.items WHERE secret = 'canary-a-refers';
-- after
INSERT INTO attacks.accounts (tenant_id, id, email, secret, balance) VALUES ('{b}', 2, '1@b', 'own-b-1', 1) ON CONFLICT DO NOTHING;
DELETE FROM attacks.items WHERE secret = 'canary-a-refers';
INSERT INTO attacks.items SELECT '{b}', 2, 'own-b-1' WHERE NOT EXISTS (SELECT FROM ONLY attacks.items WHERE account_id = 2);
-- guarded: remains ids and references
-- by hand: succeeds
