ALTER TABLE "users" ADD COLUMN "freed_country_code" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "freed_mobile" text;--> statement-breakpoint
UPDATE "chat_accounts" SET "username" = "users"."uid" FROM "users"
	WHERE "users"."id" = "chat_accounts"."user_id" AND "users"."app_id" = 0 AND "users"."status" = 4
	AND "chat_accounts"."username" = '00' || "users"."country_code" || "users"."mobile";--> statement-breakpoint
UPDATE "users" SET "freed_country_code" = "country_code", "freed_mobile" = "mobile",
	"country_code" = NULL, "mobile" = NULL
	WHERE "app_id" = 0 AND "status" = 4 AND "mobile" IS NOT NULL;
