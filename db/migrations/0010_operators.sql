CREATE TABLE "broadcasts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "broadcasts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"group_id" bigint NOT NULL,
	"operator_id" bigint NOT NULL,
	"text" text NOT NULL,
	"user_ids" bigint[],
	"state" text DEFAULT 'queued' NOT NULL,
	"message_id" bigint,
	"after_user_id" bigint DEFAULT 0 NOT NULL,
	"total_count" integer DEFAULT 0 NOT NULL,
	"sent_count" integer DEFAULT 0 NOT NULL,
	"failed_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"finished_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "profit_counts" (
	"group_id" bigint NOT NULL,
	"state" text NOT NULL,
	"count" bigint NOT NULL,
	CONSTRAINT "profit_counts_group_id_state_pk" PRIMARY KEY("group_id","state")
);
--> statement-breakpoint
CREATE TABLE "profit_records" (
	"serial_id" uuid PRIMARY KEY NOT NULL,
	"period" text NOT NULL,
	"group_id" bigint NOT NULL,
	"user_id" bigint NOT NULL,
	"category" text NOT NULL,
	"amount" numeric(20, 4) NOT NULL,
	"state" text NOT NULL,
	"description" text DEFAULT '' NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"updated_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "subscription_payments" (
	"trace_id" text PRIMARY KEY NOT NULL,
	"group_id" bigint NOT NULL,
	"user_id" bigint NOT NULL,
	"inviter_id" bigint,
	"amount" numeric(20, 4) NOT NULL,
	"paid_at" timestamp (3) with time zone NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "user_counts" (
	"bucket" smallint NOT NULL,
	"status" smallint NOT NULL,
	"exchanger" boolean NOT NULL,
	"count" bigint NOT NULL,
	CONSTRAINT "user_counts_status_exchanger_bucket_pk" PRIMARY KEY("status","exchanger","bucket")
);
--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "divided_to" bigint;--> statement-breakpoint
ALTER TABLE "group_members" ADD COLUMN "divided_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "payment_methods" ADD COLUMN "money_per_tx_min" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_methods" ADD COLUMN "money_per_tx_max" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_methods" ADD COLUMN "times_per_day_max" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_methods" ADD COLUMN "money_per_day_max" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_methods" ADD COLUMN "money_max" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "broadcasts" ADD CONSTRAINT "broadcasts_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broadcasts" ADD CONSTRAINT "broadcasts_operator_id_operators_id_fk" FOREIGN KEY ("operator_id") REFERENCES "public"."operators"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "broadcasts" ADD CONSTRAINT "broadcasts_message_id_messages_id_fk" FOREIGN KEY ("message_id") REFERENCES "public"."messages"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "profit_records" ADD CONSTRAINT "profit_records_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "profit_records" ADD CONSTRAINT "profit_records_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_payments" ADD CONSTRAINT "subscription_payments_group_id_groups_id_fk" FOREIGN KEY ("group_id") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_payments" ADD CONSTRAINT "subscription_payments_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "subscription_payments" ADD CONSTRAINT "subscription_payments_inviter_id_users_id_fk" FOREIGN KEY ("inviter_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "broadcasts_open" ON "broadcasts" USING btree ("id") WHERE state <> 'done';--> statement-breakpoint
CREATE INDEX "broadcasts_of_group" ON "broadcasts" USING btree ("group_id","id");--> statement-breakpoint
CREATE INDEX "profit_records_newest" ON "profit_records" USING btree ("created_at","serial_id");--> statement-breakpoint
CREATE INDEX "profit_records_of_group" ON "profit_records" USING btree ("group_id","created_at","serial_id");--> statement-breakpoint
CREATE INDEX "profit_records_of_user" ON "profit_records" USING btree ("user_id","created_at");--> statement-breakpoint
CREATE INDEX "subscription_payments_of_group" ON "subscription_payments" USING btree ("group_id","paid_at");--> statement-breakpoint
ALTER TABLE "group_members" ADD CONSTRAINT "group_members_divided_to_groups_id_fk" FOREIGN KEY ("divided_to") REFERENCES "public"."groups"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "withdrawals_of_method" ON "withdrawals" USING btree ("payment_method_id","decided_at") WHERE state = 'paid';--> statement-breakpoint
CREATE INDEX "users_in_state" ON "users" USING btree ("status","exchanger","id") WHERE "users"."app_id" = 0;