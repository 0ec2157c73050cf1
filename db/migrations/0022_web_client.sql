CREATE TABLE "conversation_extras" (
	"user_id" bigint NOT NULL,
	"channel_type" smallint NOT NULL,
	"channel_id" bigint NOT NULL,
	"browse_to" bigint NOT NULL,
	"keep_message_seq" bigint NOT NULL,
	"keep_offset_y" integer NOT NULL,
	"draft" text NOT NULL,
	"version" bigint NOT NULL,
	CONSTRAINT "conversation_extras_user_id_channel_type_channel_id_pk" PRIMARY KEY("user_id","channel_type","channel_id")
);
--> statement-breakpoint
CREATE TABLE "reminders" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "reminders_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"group_id" bigint NOT NULL,
	"version" bigint NOT NULL,
	"done_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "sync_versions" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"version" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "blacklisted_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "conversation_extras_sync" ON "conversation_extras" USING btree ("user_id","version");--> statement-breakpoint
CREATE UNIQUE INDEX "reminders_once" ON "reminders" USING btree ("user_id","message_id");--> statement-breakpoint
CREATE INDEX "reminders_sync" ON "reminders" USING btree ("user_id","version");