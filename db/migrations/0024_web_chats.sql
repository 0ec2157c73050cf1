ALTER TABLE "chat_accounts" ADD COLUMN "applies_seen_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "friend_applies" ADD COLUMN "id" bigint NOT NULL GENERATED ALWAYS AS IDENTITY (sequence name "friend_applies_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1);--> statement-breakpoint
ALTER TABLE "friend_applies" ADD COLUMN "token_sealed" text;--> statement-breakpoint
ALTER TABLE "friend_applies" ADD COLUMN "refused_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "groups" ADD COLUMN "avatar" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "conversations" ADD COLUMN "hidden_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "friend_applies_received" ON "friend_applies" USING btree ("to_user_id","created_at","id");