CREATE TABLE "friend_heads" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"changed_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "group_settings" ADD COLUMN "remark" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "friend_heads" ADD CONSTRAINT "friend_heads_user_id_users_id_fk" FOREIGN KEY ("user_id") REFERENCES "public"."users"("id") ON DELETE no action ON UPDATE no action;
--> statement-breakpoint
INSERT INTO friend_heads (user_id, changed_at)
SELECT user_id, max(updated_at) FROM friends GROUP BY user_id;
--> statement-breakpoint
-- Syncs of friends show more than the friendship: what changes of it brings the row again, whoever
-- changes it. Heads are locked first, in the order of their owners, as the verbs do.
CREATE FUNCTION touch_friends(owners bigint[], friend bigint) RETURNS void LANGUAGE sql AS $$
  WITH head AS (
    INSERT INTO friend_heads AS known (user_id, changed_at)
    SELECT user_id, clock_timestamp() FROM friends
    WHERE user_id = ANY (owners) AND friend_id = friend AND NOT is_deleted
    ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE
      SET changed_at = greatest(excluded.changed_at, known.changed_at + interval '1 millisecond')
    RETURNING user_id, changed_at
  )
  UPDATE friends SET updated_at = head.changed_at FROM head
  WHERE friends.user_id = head.user_id AND friends.friend_id = friend
$$;
--> statement-breakpoint
CREATE FUNCTION touch_renamed_friend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Whose friend they are: of a friendship there are two rows, and this side has an index.
  PERFORM touch_friends(
    ARRAY(SELECT friend_id FROM friends WHERE user_id = NEW.id AND NOT is_deleted), NEW.id);
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER users_renamed AFTER UPDATE OF nickname ON users FOR EACH ROW
  WHEN (NEW.app_id = 0 AND OLD.nickname <> NEW.nickname) EXECUTE FUNCTION touch_renamed_friend();
--> statement-breakpoint
CREATE FUNCTION touch_set_friend() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM touch_friends(ARRAY[NEW.user_id], NEW.peer_id);
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER peer_settings_made AFTER INSERT ON peer_settings FOR EACH ROW
  WHEN (NEW.mute OR NEW.top OR NEW.remark <> '') EXECUTE FUNCTION touch_set_friend();
--> statement-breakpoint
CREATE TRIGGER peer_settings_changed AFTER UPDATE ON peer_settings FOR EACH ROW
  WHEN ((OLD.mute, OLD.top, OLD.remark) <> (NEW.mute, NEW.top, NEW.remark))
  EXECUTE FUNCTION touch_set_friend();
