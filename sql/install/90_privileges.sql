-- What everybody may call; all else is for whom the superuser grants it.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA tenant_guard FROM PUBLIC;
GRANT USAGE ON SCHEMA tenant_guard TO PUBLIC;
GRANT EXECUTE ON FUNCTION
  tenant_guard.authenticate(text), tenant_guard.tenant_id(), tenant_guard.tenant_id_uuid(),
  tenant_guard.tenant_id_bigint(), tenant_guard.tenant_id_int(), tenant_guard.subject(),
  tenant_guard.claims(), tenant_guard.claim(text[]), tenant_guard.attribute(text),
  tenant_guard.cache_key(text, text[]), tenant_guard.policies_in_force()
  TO PUBLIC;
