-- What the planted tables get where tenant_guard is installed: what a DBA would have done, and no more.
SELECT count(*) FROM (VALUES ('accounts'), ('items'), ('bookings'), ('tickets'), ('events'), ('by_tenant'), ('noted'), ('ruled'),
                             ('announced'), ('loose'), ('unforced'), ('constant'), ('helped'), ('toasted'), ('of_role')) t (name),
       LATERAL tenant_guard.protect(('attacks.' || name)::regclass, 'tenant_id') \g /dev/null
SELECT tenant_guard.declare_shared('attacks.countries', 'planted') \g /dev/null
