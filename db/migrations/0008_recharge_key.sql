ALTER TABLE "recharges" ADD COLUMN "operation_key" text;--> statement-breakpoint
ALTER TABLE "recharges" ADD CONSTRAINT "recharges_operation" UNIQUE("user_id","operation_key");