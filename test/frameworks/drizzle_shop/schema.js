// A small shop. The default of a tenant column is what protect() would give it: said here, so that Drizzle leaves the
// column out of an INSERT and the next migration finds no difference.
import { relations, sql } from "drizzle-orm";
import { index, integer, jsonb, numeric, pgTable, primaryKey, serial, text, unique, uuid } from "drizzle-orm/pg-core";

const tenantId = () => uuid("tenant_id").notNull().default(sql`tenant_guard.tenant_id_uuid()`);

export const countries = pgTable("countries", {
  code: text("code").primaryKey(),
  name: text("name").notNull(),
});

export const customers = pgTable("customers", {
  id: serial("id").primaryKey(),
  tenantId: tenantId(),
  name: text("name").notNull(),
  country: text("country").references(() => countries.code),
  attributes: jsonb("attributes").default({}),
  email: text("email"),
}, (table) => [unique("customer_name").on(table.tenantId, table.name)]);

export const tags = pgTable("tags", {
  id: serial("id").primaryKey(),
  tenantId: tenantId(),
  name: text("name").notNull(),
});

export const orders = pgTable("orders", {
  id: serial("id").primaryKey(),
  tenantId: tenantId(),
  customerId: integer("customer_id").notNull().references(() => customers.id),
  total: numeric("total", { precision: 12, scale: 2 }).notNull(),
}, (table) => [index("orders_of_tenant").on(table.tenantId, table.id)]);

export const orderTags = pgTable("order_tags", {
  orderId: integer("order_id").notNull().references(() => orders.id),
  tagId: integer("tag_id").notNull().references(() => tags.id),
}, (table) => [primaryKey({ columns: [table.orderId, table.tagId] })]);

export const invoices = pgTable("invoices", {
  id: serial("id").primaryKey(),
  tenantId: tenantId(),
  orderId: integer("order_id").notNull().references(() => orders.id),
});

export const customerRelations = relations(customers, ({ many }) => ({ orders: many(orders) }));
export const orderRelations = relations(orders, ({ one, many }) => ({
  customer: one(customers, { fields: [orders.customerId], references: [customers.id] }),
  tags: many(orderTags),
}));
export const orderTagRelations = relations(orderTags, ({ one }) => ({
  order: one(orders, { fields: [orderTags.orderId], references: [orders.id] }),
  tag: one(tags, { fields: [orderTags.tagId], references: [tags.id] }),
}));
