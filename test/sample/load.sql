-- The sample without its protection, in one go. The variables of data.sql apply.
\ir roles.sql
\ir schema.sql
\ir data.sql
