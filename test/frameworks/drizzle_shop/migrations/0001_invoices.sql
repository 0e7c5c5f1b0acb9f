CREATE TABLE "invoices" (
  "id" serial PRIMARY KEY NOT NULL,
  "tenant_id" uuid DEFAULT tenant_guard.tenant_id_uuid() NOT NULL,
  "order_id" integer NOT NULL
);
--> statement-breakpoint
ALTER TABLE "customers" ADD COLUMN "email" text;--> statement-breakpoint
ALTER TABLE "invoices" ADD CONSTRAINT "invoices_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;
