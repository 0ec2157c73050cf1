CREATE UNIQUE INDEX "messages_once_to_person" ON "messages" USING btree ("sender_id","client_msg_no","receiver_id") WHERE client_msg_no is not null and receiver_id is not null;--> statement-breakpoint
CREATE UNIQUE INDEX "messages_once_to_group" ON "messages" USING btree ("sender_id","client_msg_no","group_id") WHERE client_msg_no is not null and group_id is not null;--> statement-breakpoint
DROP INDEX "messages_once";
