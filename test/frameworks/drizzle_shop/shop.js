// Migrates as the owner or uses the shop as tenants, and prints what it saw as JSON:   node shop.js migrate|use
// What must be so is decided by run_drizzle.py.
import { drizzle } from "drizzle-orm/node-postgres";
import { migrate } from "drizzle-orm/node-postgres/migrator";
import { count, eq, sql } from "drizzle-orm";
import pg from "pg";
import * as schema from "./schema.js";

const { countries, customers, orders, orderTags, tags } = schema;
const { ACME_TOKEN, GLOBEX_TOKEN, GLOBEX } = process.env;

// One connection, so that each transaction gets the one before's.
function connect(user) {
  const pool = new pg.Pool({ user, database: "shop", max: 1 });
  return { pool, db: drizzle(pool, { schema }) };
}

// The one helper that an application needs: a transaction that begins with the token.
function asTenant(db, token, work) {
  return db.transaction(async (tx) => {
    await tx.execute(sql`SELECT tenant_guard.authenticate(${token})`);
    return work(tx);
  });
}

// The SQLSTATE with which it fails; null if it does not.
async function sqlstate(promise) {
  try {
    await promise;
  } catch (error) {
    return (error.cause ?? error).code;
  }
  return null;
}

// In a savepoint of its own.
const attempt = (tx, work) => sqlstate(tx.transaction(work));

async function write(tx, name) {
  const [first] = await tx.insert(customers).values({ name: `${name} first`, country: "DE", attributes: { vip: true } }).returning();
  await tx.insert(customers).values([1, 2, 3, 4, 5].map((n) => ({ name: `${name} ${n}`, country: "JP" })));
  const [order] = await tx.insert(orders).values({ customerId: first.id, total: "12.50" }).returning();
  const made = await tx.insert(tags).values([1, 2, 3].map((n) => ({ name: `${name} tag ${n}` }))).returning();
  await tx.insert(orderTags).values(made.map((tag) => ({ orderId: order.id, tagId: tag.id })));
  await tx.delete(orderTags).where(eq(orderTags.tagId, made[0].id));
  const upserted = await tx.insert(customers).values({ name: `${name} 1`, country: "DE" })
    .onConflictDoUpdate({ target: [customers.tenantId, customers.name], set: { country: "DE" } }).returning();
  return { tenant: first.tenantId, upserted: upserted.length };
}

async function read(tx) {
  const order = await tx.query.orders.findFirst({ with: { customer: true, tags: { with: { tag: true } } } });
  return {
    tenants: (await tx.selectDistinct({ id: customers.tenantId }).from(customers)).map((row) => row.id),
    count: (await tx.select({ n: count() }).from(customers))[0].n,
    relations: [order.customer.name, order.tags.length],
    byCountry: await tx.select({ code: countries.code, n: count(customers.id) }).from(countries)
      .innerJoin(customers, eq(customers.country, countries.code)).groupBy(countries.code).orderBy(countries.code),
    json: (await tx.select({ name: customers.name }).from(customers).where(sql`${customers.attributes} ->> 'vip' = 'true'`))[0].name,
    locked: (await tx.select().from(customers).where(eq(customers.country, "DE")).for("update")).length,
  };
}

async function refusals(tx) {
  return {
    otherTenant: await attempt(tx, (sp) => sp.insert(tags).values({ name: "x", tenantId: GLOBEX })),
    shared: await attempt(tx, (sp) => sp.insert(countries).values({ code: "XX", name: "x" })),
    session: await attempt(tx, (sp) => sp.execute(sql`SET search_path = pg_temp`)),
    local: await attempt(tx, (sp) => sp.execute(sql`SET LOCAL search_path = public`)),
    stolen: (await tx.update(tags).set({ name: "stolen" }).where(eq(tags.tenantId, GLOBEX)).returning()).length,
  };
}

async function use() {
  const { pool, db } = connect("app");
  const seen = {};
  for (const [name, token] of [["acme", ACME_TOKEN], ["globex", GLOBEX_TOKEN]]) {
    seen[name] = { ...await asTenant(db, token, (tx) => write(tx, name)), ...await asTenant(db, token, read) };
  }
  seen.withoutToken = await sqlstate(db.select().from(customers));
  seen.forged = await sqlstate(asTenant(db, `${ACME_TOKEN.slice(0, -4)}AAAA`, read));
  seen.refusals = await asTenant(db, ACME_TOKEN, refusals);
  await pool.end();
  return seen;
}

async function migrateShop() {
  const { pool, db } = connect("shop_owner");
  await migrate(db, { migrationsFolder: "./migrations" });
  await pool.end();
  return {};
}

console.log(JSON.stringify(await (process.argv[2] === "migrate" ? migrateShop() : use())));
