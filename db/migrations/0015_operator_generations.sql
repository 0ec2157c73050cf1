ALTER TABLE "operators" ADD COLUMN "generation" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "operators" ADD COLUMN "last_login_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "ops_keys" ADD COLUMN "secret_hash_previous" text;--> statement-breakpoint
ALTER TABLE "ops_keys" ADD COLUMN "previous_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "ops_keys" ADD COLUMN "last_used_at" timestamp (3) with time zone;