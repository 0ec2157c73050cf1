ALTER TABLE "conversations" DROP CONSTRAINT "conversations_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "inbox" DROP CONSTRAINT "inbox_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "inbox" DROP CONSTRAINT "inbox_message_id_messages_id_fk";
--> statement-breakpoint
ALTER TABLE "inbox_heads" DROP CONSTRAINT "inbox_heads_user_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_sender_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_receiver_id_users_id_fk";
--> statement-breakpoint
ALTER TABLE "messages" DROP CONSTRAINT "messages_group_id_groups_id_fk";
--> statement-breakpoint
DROP INDEX "conversations_newest";
--> statement-breakpoint
-- Room on each page for the next version of a row, which then is in no index either.
ALTER TABLE "conversations" SET (fillfactor = 70);
--> statement-breakpoint
ALTER TABLE "inbox_heads" SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE "group_heads" SET (fillfactor = 50);
