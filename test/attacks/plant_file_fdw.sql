-- A foreign table over a file of the server.
COPY (SELECT tenant_id, secret FROM attacks.forgotten) TO PROGRAM 'cat > attacks_export.csv' WITH (FORMAT csv);
CREATE SERVER attacks_files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE attacks.exported (tenant_id text, secret text) SERVER attacks_files OPTIONS (filename 'attacks_export.csv', format 'csv');
GRANT ALL ON attacks.exported TO :"role";
