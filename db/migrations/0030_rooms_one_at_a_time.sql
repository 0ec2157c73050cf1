ALTER TABLE "room_members" ADD COLUMN "entered_at" timestamp (3) with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "room_members" ADD COLUMN "session_id" bigint;--> statement-breakpoint
ALTER TABLE "room_members" ADD COLUMN "left_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "asked_at" timestamp (3) with time zone;--> statement-breakpoint
-- Of several rooms a person is in they are in the one they were last heard of in.
UPDATE "room_members" AS "old" SET "left_at" = "old"."seen_at"
FROM "room_members" AS "new"
WHERE "new"."user_id" = "old"."user_id"
  AND ("new"."seen_at", "new"."room_id") > ("old"."seen_at", "old"."room_id");--> statement-breakpoint
CREATE UNIQUE INDEX "room_members_inside" ON "room_members" USING btree ("user_id") WHERE left_at is null;--> statement-breakpoint
CREATE INDEX "room_members_of_room" ON "room_members" USING btree ("room_id","seen_at") WHERE left_at is null;--> statement-breakpoint
CREATE INDEX "rooms_open" ON "rooms" USING btree ("created_at","id") WHERE closed_at is null;--> statement-breakpoint
-- Whose last session ends, whichever way, is out of their room. A login of an app (kind 0) that takes
-- the old one's place does not go on with its room; logins of the web (1) live beside each other.
CREATE FUNCTION "leave_rooms_with_session"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  WITH "over" AS (
    SELECT "user_id", max("revoked_at") AS "at" FROM "ended"
    WHERE "revoked_at" IS NOT NULL GROUP BY "user_id"
  ), "out" AS (
    SELECT "room_members"."room_id", "room_members"."user_id", "over"."at"
    FROM "over" JOIN "room_members" ON "room_members"."user_id" = "over"."user_id"
    WHERE "left_at" IS NULL
      AND NOT EXISTS (SELECT FROM "sessions" WHERE "sessions"."user_id" = "over"."user_id"
        AND "revoked_at" IS NULL AND "kind" = 1 AND "expires_at" > "over"."at")
      AND NOT EXISTS (SELECT FROM "sessions" WHERE "sessions"."user_id" = "over"."user_id"
        AND "revoked_at" IS NULL AND "kind" <> 1 AND "kind" = 0 AND "expires_at" > "over"."at"
        AND "sessions"."id" <= coalesce("room_members"."session_id", "sessions"."id"))
    ORDER BY "room_members"."user_id" FOR UPDATE OF "room_members"
  )
  UPDATE "room_members" SET "left_at" = "out"."at" FROM "out"
  WHERE "room_members"."room_id" = "out"."room_id" AND "room_members"."user_id" = "out"."user_id";
  RETURN NULL;
END $$;--> statement-breakpoint
CREATE TRIGGER "sessions_leave_rooms" AFTER UPDATE ON "sessions"
REFERENCING NEW TABLE AS "ended" FOR EACH STATEMENT EXECUTE FUNCTION "leave_rooms_with_session"();
