-- A foreign table over a loopback connection with a superuser's mapping.
SELECT split_part(current_setting('unix_socket_directories'), ',', 1) AS socket \gset
CREATE SERVER attacks_loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'socket', port :'PORT', dbname :'DBNAME');
CREATE USER MAPPING FOR PUBLIC SERVER attacks_loopback OPTIONS (user :'USER', password_required 'false');
GRANT USAGE ON FOREIGN SERVER attacks_loopback TO :"role";
CREATE FOREIGN TABLE attacks.remote (tenant_id text, secret text) SERVER attacks_loopback
    OPTIONS (schema_name 'attacks', table_name 'forgotten');
GRANT ALL ON attacks.remote TO :"role";
