CREATE TABLE "chat_accounts" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"username" text NOT NULL,
	"password" text,
	"short_no" text NOT NULL,
	"short_no_changed" boolean DEFAULT false NOT NULL,
	"sex" smallint DEFAULT 1 NOT NULL,
	"category" text DEFAULT '' NOT NULL,
	"chat_password" text DEFAULT '' NOT NULL,
	"search_by_phone" boolean DEFAULT true NOT NULL,
	"search_by_short" boolean DEFAULT true NOT NULL,
	"new_msg_notice" boolean DEFAULT true NOT NULL,
	"msg_show_detail" boolean DEFAULT true NOT NULL,
	"voice_on" boolean DEFAULT true NOT NULL,
	"shock_on" boolean DEFAULT true NOT NULL,
	"offline_protection" boolean DEFAULT false NOT NULL,
	"device_lock" boolean DEFAULT false NOT NULL,
	"mute_of_app" boolean DEFAULT false NOT NULL,
	"msg_expire_second" integer DEFAULT 0 NOT NULL,
	"device_token" text,
	"device_type" text,
	"bundle_id" text,
	"badge" integer DEFAULT 0 NOT NULL,
	"last_offline_at" timestamp (3) with time zone,
	CONSTRAINT "chat_accounts_username_unique" UNIQUE("username"),
	CONSTRAINT "chat_accounts_shortNo_unique" UNIQUE("short_no")
);
--> statement-breakpoint
CREATE TABLE "favorites" (
	"id" text PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"type" integer NOT NULL,
	"unique_key" text NOT NULL,
	"author_uid" text NOT NULL,
	"author_name" text NOT NULL,
	"payload" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "favorites_once" UNIQUE("user_id","unique_key")
);
--> statement-breakpoint
CREATE TABLE "friend_applies" (
	"from_user_id" bigint NOT NULL,
	"to_user_id" bigint NOT NULL,
	"token_hash" text NOT NULL,
	"remark" text DEFAULT '' NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"accepted_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "friend_applies_from_user_id_to_user_id_pk" PRIMARY KEY("from_user_id","to_user_id"),
	CONSTRAINT "friend_applies_tokenHash_unique" UNIQUE("token_hash")
);
--> statement-breakpoint
CREATE TABLE "friends" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "friends_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"friend_id" bigint NOT NULL,
	"is_deleted" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "friends_pair" UNIQUE("user_id","friend_id")
);
--> statement-breakpoint
CREATE TABLE "group_invites" (
	"id" text PRIMARY KEY NOT NULL,
	"group_id" bigint NOT NULL,
	"inviter_id" bigint NOT NULL,
	"user_ids" bigint[] NOT NULL,
	"remark" text DEFAULT '' NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"confirmer_id" bigint
);
--> statement-breakpoint
CREATE TABLE "group_settings" (
	"user_id" bigint NOT NULL,
	"group_id" bigint NOT NULL,
	"mute" boolean DEFAULT false NOT NULL,
	"top" boolean DEFAULT false NOT NULL,
	"save" boolean DEFAULT false NOT NULL,
	"show_nick" boolean DEFAULT true NOT NULL,
	CONSTRAINT "group_settings_user_id_group_id_pk" PRIMARY KEY("user_id","group_id")
);
--> statement-breakpoint
CREATE TABLE "label_members" (
	"label_id" bigint NOT NULL,
	"friend_id" bigint NOT NULL,
	CONSTRAINT "label_members_label_id_friend_id_pk" PRIMARY KEY("label_id","friend_id")
);
--> statement-breakpoint
CREATE TABLE "labels" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "labels_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "labels_name" UNIQUE("user_id","name")
);
--> statement-breakpoint
CREATE TABLE "peer_settings" (
	"user_id" bigint NOT NULL,
	"peer_id" bigint NOT NULL,
	"mute" boolean DEFAULT false NOT NULL,
	"top" boolean DEFAULT false NOT NULL,
	"chat_pwd_on" boolean DEFAULT false NOT NULL,
	"screenshot" boolean DEFAULT true NOT NULL,
	"revoke_remind" boolean DEFAULT true NOT NULL,
	"receipt" boolean DEFAULT true NOT NULL,
	"remark" text DEFAULT '' NOT NULL,
	CONSTRAINT "peer_settings_user_id_peer_id_pk" PRIMARY KEY("user_id","peer_id")
);
--> statement-breakpoint
CREATE TABLE "conversations" (
	"user_id" bigint NOT NULL,
	"channel_type" smallint NOT NULL,
	"channel_id" bigint NOT NULL,
	"last_seq" bigint NOT NULL,
	"unread_count" integer DEFAULT 0 NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "conversations_user_id_channel_type_channel_id_pk" PRIMARY KEY("user_id","channel_type","channel_id")
);
--> statement-breakpoint
CREATE TABLE "group_heads" (
	"group_id" bigint PRIMARY KEY NOT NULL,
	"last_seq" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "group_logs" (
	"group_id" bigint NOT NULL,
	"seq" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	CONSTRAINT "group_logs_group_id_seq_pk" PRIMARY KEY("group_id","seq")
);
--> statement-breakpoint
CREATE TABLE "inbox" (
	"user_id" bigint NOT NULL,
	"seq" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"channel_type" smallint NOT NULL,
	"channel_id" bigint NOT NULL,
	"deleted_at" timestamp (3) with time zone,
	CONSTRAINT "inbox_user_id_seq_pk" PRIMARY KEY("user_id","seq")
);
--> statement-breakpoint
CREATE TABLE "inbox_heads" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"last_seq" bigint DEFAULT 0 NOT NULL,
	"acked_seq" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "messages" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "messages_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1000001 CACHE 1),
	"channel_type" smallint NOT NULL,
	"sender_id" bigint,
	"receiver_id" bigint,
	"group_id" bigint,
	"client_msg_no" text,
	"payload" text NOT NULL,
	"red_dot" boolean NOT NULL,
	"sync_once" boolean DEFAULT false NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"revoked_at" timestamp (3) with time zone,
	"revoker_id" bigint
);
--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "id" bigserial NOT NULL;--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "muted_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "log_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "groups" ADD COLUMN "invite" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "groups" ADD COLUMN "forbidden" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "groups" ADD COLUMN "version" bigint DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "chat_accounts" ADD CONSTRAINT "chat_accounts_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "favorites" ADD CONSTRAINT "favorites_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "friend_applies" ADD CONSTRAINT "friend_applies_from_user_id_users_id_fk" FOREIGN KEY ("from_user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "friend_applies" ADD CONSTRAINT "friend_applies_to_user_id_users_id_fk" FOREIGN KEY ("to_user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "friends" ADD CONSTRAINT "friends_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "friends" ADD CONSTRAINT "friends_friend_id_users_id_fk" FOREIGN KEY ("friend_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_invites" ADD CONSTRAINT "group_invites_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_invites" ADD CONSTRAINT "group_invites_inviter_id_users_id_fk" FOREIGN KEY ("inviter_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_invites" ADD CONSTRAINT "group_invites_confirmer_id_users_id_fk" FOREIGN KEY ("confirmer_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_settings" ADD CONSTRAINT "group_settings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_settings" ADD CONSTRAINT "group_settings_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "label_members" ADD CONSTRAINT "label_members_label_id_labels_id_fk" FOREIGN KEY ("label_id") REFERENCES "public"."labels"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "label_members" ADD CONSTRAINT "label_members_friend_id_users_id_fk" FOREIGN KEY ("friend_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "labels" ADD CONSTRAINT "labels_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peer_settings" ADD CONSTRAINT "peer_settings_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "peer_settings" ADD CONSTRAINT "peer_settings_peer_id_users_id_fk" FOREIGN KEY ("peer_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "conversations" ADD CONSTRAINT "conversations_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_heads" ADD CONSTRAINT "group_heads_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_logs" ADD CONSTRAINT "group_logs_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "group_logs" ADD CONSTRAINT "group_logs_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbox" ADD CONSTRAINT "inbox_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbox" ADD CONSTRAINT "inbox_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "inbox_heads" ADD CONSTRAINT "inbox_heads_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_sender_id_users_id_fk" FOREIGN KEY ("sender_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_receiver_id_users_id_fk" FOREIGN KEY ("receiver_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_revoker_id_users_id_fk" FOREIGN KEY ("revoker_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "favorites_newest" ON "favorites" USING btree ("user_id","created_at","id");--> statement-breakpoint
CREATE INDEX "friends_sync" ON "friends" USING btree ("user_id","updated_at","id");--> statement-breakpoint
CREATE INDEX "conversations_newest" ON "conversations" USING btree ("user_id","last_seq");--> statement-breakpoint
CREATE UNIQUE INDEX "inbox_message" ON "inbox" USING btree ("user_id","message_id");--> statement-breakpoint
CREATE INDEX "inbox_channel" ON "inbox" USING btree ("user_id","channel_type","channel_id","seq");--> statement-breakpoint
CREATE UNIQUE INDEX "messages_once" ON "messages" USING btree ("sender_id","client_msg_no") WHERE client_msg_no is not null;--> statement-breakpoint
CREATE INDEX "messages_of_group" ON "messages" USING btree ("group_id","id") WHERE group_id is not null;--> statement-breakpoint
CREATE INDEX "group_members_sync" ON "group_members" USING btree ("group_id","version","id");