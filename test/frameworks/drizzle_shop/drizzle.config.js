// For drizzle-kit: "generate" writes migrations/ from schema.js, "pull" writes a schema from the database.
export default {
  dialect: "postgresql",
  schema: "./schema.js",
  out: process.env.DRIZZLE_OUT ?? "./migrations",
  dbCredentials: { host: process.env.PGHOST, port: Number(process.env.PGPORT), user: "shop_owner", database: "shop", ssl: false },
};
