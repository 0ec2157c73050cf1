CREATE TABLE "message_extras" (
	"message_id" bigint NOT NULL,
	"user_id" bigint NOT NULL,
	"channel_type" smallint NOT NULL,
	"channel_id" bigint NOT NULL,
	"version" bigint NOT NULL,
	"read_count" integer DEFAULT 0 NOT NULL,
	"read_at" timestamp (3) with time zone,
	CONSTRAINT "message_extras_message_id_user_id_pk" PRIMARY KEY("message_id","user_id")
);
--> statement-breakpoint
CREATE INDEX "message_extras_sync" ON "message_extras" USING btree ("user_id","channel_type","channel_id","version");