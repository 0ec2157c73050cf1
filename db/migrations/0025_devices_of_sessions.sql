ALTER TABLE "chat_accounts" ADD COLUMN "device_session_id" bigint;--> statement-breakpoint
ALTER TABLE "push_targets" ADD COLUMN "session_id" bigint;--> statement-breakpoint
-- A device is its owner's as long as the login lives: of the phone (kind 0) where they have one.
UPDATE "chat_accounts" SET "device_session_id" = "live"."id"
FROM (
  SELECT DISTINCT ON ("user_id") "user_id", "id" FROM "sessions"
  WHERE "revoked_at" IS NULL AND "kind" IN (0, 1)
  ORDER BY "user_id", "kind", "id" DESC
) AS "live"
WHERE "live"."user_id" = "chat_accounts"."user_id" AND "device_token" IS NOT NULL;--> statement-breakpoint
UPDATE "push_targets" SET "session_id" = "live"."id"
FROM (
  SELECT DISTINCT ON ("user_id") "user_id", "id" FROM "sessions"
  WHERE "revoked_at" IS NULL AND "kind" IN (0, 1)
  ORDER BY "user_id", "kind", "id" DESC
) AS "live"
WHERE "live"."user_id" = "push_targets"."user_id";--> statement-breakpoint
-- Of several people on one device it is whose login is the newest; nobody's where all are over.
UPDATE "chat_accounts" AS "gone" SET "device_token" = NULL, "device_type" = NULL,
  "bundle_id" = NULL, "device_session_id" = NULL
WHERE "gone"."device_token" IS NOT NULL AND ("gone"."device_session_id" IS NULL OR EXISTS (
  SELECT FROM "chat_accounts" AS "kept"
  WHERE "kept"."device_token" = "gone"."device_token"
    AND "kept"."device_session_id" > "gone"."device_session_id"));--> statement-breakpoint
CREATE UNIQUE INDEX "chat_accounts_device" ON "chat_accounts" USING btree ("device_token") WHERE "chat_accounts"."device_token" is not null;
