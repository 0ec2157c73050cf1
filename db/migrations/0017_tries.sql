CREATE TABLE "tries" (
	"subject" text NOT NULL,
	"network" text NOT NULL,
	"left_count" integer NOT NULL,
	"ends_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "tries_subject_network_pk" PRIMARY KEY("subject","network")
);
--> statement-breakpoint
CREATE TABLE "login_networks" (
	"user_id" bigint NOT NULL,
	"network" text NOT NULL,
	"last_login_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "login_networks_user_id_network_pk" PRIMARY KEY("user_id","network")
);
--> statement-breakpoint
-- A number has one row now, whatever its codes were for: of several the fullest stays.
DELETE FROM "captcha_sends" AS gone USING "captcha_sends" AS kept
WHERE kept."country_code" = gone."country_code" AND kept."mobile" = gone."mobile"
  AND (cardinality(kept."sent_at"), kept."purpose") > (cardinality(gone."sent_at"), gone."purpose");--> statement-breakpoint
ALTER TABLE "captcha_sends" DROP CONSTRAINT "captcha_sends_purpose_country_code_mobile_pk";--> statement-breakpoint
ALTER TABLE "captcha_sends" ADD CONSTRAINT "captcha_sends_country_code_mobile_pk" PRIMARY KEY("country_code","mobile");--> statement-breakpoint
ALTER TABLE "captcha_sends" ADD COLUMN "known_sent_at" timestamp (3) with time zone[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "captcha_sends" ADD COLUMN "minutes" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "captcha_sends" ADD COLUMN "asked_from" jsonb DEFAULT '{}'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "captcha_sends" ADD COLUMN "stranger_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "login_networks" ADD CONSTRAINT "login_networks_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "tries_end" ON "tries" USING btree ("ends_at");--> statement-breakpoint
CREATE INDEX "login_networks_last" ON "login_networks" USING btree ("last_login_at");--> statement-breakpoint
ALTER TABLE "captcha_sends" DROP COLUMN "purpose";--> statement-breakpoint
-- Whoever has logged in before is no stranger afterwards. Partners' clients (kind 2) have no password.
INSERT INTO "login_networks" ("user_id", "network", "last_login_at")
SELECT "user_id", "address", max("created_at") FROM "sessions"
WHERE "kind" <> 2 AND "address" ~ '^\d{1,3}(\.\d{1,3}){3}$'
GROUP BY "user_id", "address";
