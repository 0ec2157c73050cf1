ALTER TABLE "group_members" ADD COLUMN "shown_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "inbox_heads" ADD COLUMN "shown_seq" bigint DEFAULT 0 NOT NULL;