ALTER TABLE "conversations" ADD COLUMN "read_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "content_type" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "actor_id" bigint;
--> statement-breakpoint
-- What is there gets its type, and commands are dealt with as those to come: nobody has to read them.
CREATE FUNCTION content_type_of(payload text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  RETURN greatest(-2147483647, least(2147483647, (payload::json ->> 'type')::numeric));
EXCEPTION WHEN others THEN
  -- A letter that no text of the database may have.
  RETURN coalesce(substring(payload FROM '"type"\s*:\s*(-?\d{1,9})')::integer, 0);
END
$$;
--> statement-breakpoint
UPDATE messages SET content_type = typed.type, red_dot = red_dot AND typed.type <> 99,
  sync_once = sync_once OR typed.type = 99
FROM (SELECT id, content_type_of(payload) AS type FROM messages) AS typed
WHERE typed.id = messages.id;
--> statement-breakpoint
DROP FUNCTION content_type_of(text);
--> statement-breakpoint
-- Until now what was fetched was read; from now on that is a mark of its own, and what was taken back
-- or thrown away counts no more.
UPDATE conversations SET
  read_seq = greatest(acked_seq, cleared_seq),
  unread_count = (
    SELECT count(*) FROM inbox JOIN messages ON messages.id = inbox.message_id
    WHERE inbox.user_id = conversations.user_id
      AND inbox.channel_type = conversations.channel_type
      AND inbox.channel_id = conversations.channel_id
      AND inbox.seq > greatest(acked_seq, cleared_seq) AND inbox.deleted_at IS NULL
      AND messages.red_dot AND messages.revoked_at IS NULL
      AND messages.sender_id IS DISTINCT FROM conversations.user_id)
FROM inbox_heads
WHERE inbox_heads.user_id = conversations.user_id AND unread_count > 0;
--> statement-breakpoint
UPDATE conversations SET read_seq = greatest(read_seq, last_seq) WHERE unread_count = 0;
