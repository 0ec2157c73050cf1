ALTER TABLE "cards" ADD COLUMN "is_refused" boolean DEFAULT false NOT NULL;--> statement-breakpoint
-- What was thrown away in the moment it was given was refused.
UPDATE "cards" SET "is_refused" = true WHERE "deleted_at" = "created_at";
