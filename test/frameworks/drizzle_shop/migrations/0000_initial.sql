CREATE TABLE "countries" (
  "code" text PRIMARY KEY NOT NULL,
  "name" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "customers" (
  "id" serial PRIMARY KEY NOT NULL,
  "tenant_id" uuid DEFAULT tenant_guard.tenant_id_uuid() NOT NULL,
  "name" text NOT NULL,
  "country" text,
  "attributes" jsonb DEFAULT '{}'::jsonb,
  CONSTRAINT "customer_name" UNIQUE("tenant_id","name")
);
--> statement-breakpoint
CREATE TABLE "order_tags" (
  "order_id" integer NOT NULL,
  "tag_id" integer NOT NULL,
  CONSTRAINT "order_tags_order_id_tag_id_pk" PRIMARY KEY("order_id","tag_id")
);
--> statement-breakpoint
CREATE TABLE "orders" (
  "id" serial PRIMARY KEY NOT NULL,
  "tenant_id" uuid DEFAULT tenant_guard.tenant_id_uuid() NOT NULL,
  "customer_id" integer NOT NULL,
  "total" numeric(12, 2) NOT NULL
);
--> statement-breakpoint
CREATE TABLE "tags" (
  "id" serial PRIMARY KEY NOT NULL,
  "tenant_id" uuid DEFAULT tenant_guard.tenant_id_uuid() NOT NULL,
  "name" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "customers" ADD CONSTRAINT "customers_country_countries_code_fk" FOREIGN KEY ("country") REFERENCES "public"."countries"("code") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_tags" ADD CONSTRAINT "order_tags_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_tags" ADD CONSTRAINT "order_tags_tag_id_tags_id_fk" FOREIGN KEY ("tag_id") REFERENCES "public"."tags"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_customer_id_customers_id_fk" FOREIGN KEY ("customer_id") REFERENCES "public"."customers"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "orders_of_tenant" ON "orders" USING btree ("tenant_id","id");
