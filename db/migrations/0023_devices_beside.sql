DROP INDEX "sessions_live";--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "setting" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_single" ON "sessions" USING btree ("user_id","kind") WHERE revoked_at is null and kind <> 1;--> statement-breakpoint
CREATE UNIQUE INDEX "sessions_of_device" ON "sessions" USING btree ("user_id","device_id") WHERE revoked_at is null and kind = 1;
--> statement-breakpoint
-- Of a person's browsers and desktops (kind 1) all but the newest: called in the statement that
-- opens one, which has locked the person. A function sees what other logins have committed by now,
-- the statement itself only what there was when it began.
CREATE FUNCTION end_older_web_sessions(person bigint, kept_count integer, at timestamptz)
RETURNS text[] LANGUAGE sql AS $$
  WITH ended AS (
    UPDATE sessions SET revoked_at = at
    WHERE id IN (
      SELECT id FROM sessions WHERE user_id = person AND kind = 1 AND revoked_at IS NULL
      ORDER BY id DESC OFFSET kept_count
    )
    RETURNING token_hash
  )
  SELECT coalesce(array_agg(token_hash), '{}') FROM ended
$$;
