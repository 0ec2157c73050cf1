DROP INDEX "subscription_payments_of_group";--> statement-breakpoint
ALTER TABLE "subscription_payments" ADD COLUMN "period" text NOT NULL;--> statement-breakpoint
CREATE INDEX "subscription_payments_in_period" ON "subscription_payments" USING btree ("period","group_id");