-- Built-in accounts of the chat app. profile_at stays null on purpose: `visibleUsers` then hides
-- them from search, blocks, cards and gateway profiles; status 3 (disabled): they never log in and
-- join no group. The chat app finds them by uid.
INSERT INTO "users" ("id", "uid", "app_uid", "nickname", "status", "created_at", "updated_at") VALUES
	(nextval('users_id_seq'), '00000000000000000000000000010000', currval('users_id_seq'), '系统通知', 3, now(), now()),
	(nextval('users_id_seq'), '00000000000000000000000000020000', currval('users_id_seq'), '文件传输助手', 3, now(), now())
ON CONFLICT DO NOTHING;
--> statement-breakpoint
INSERT INTO "chat_accounts" ("user_id", "username", "short_no", "short_no_changed", "category", "search_by_phone", "search_by_short")
SELECT "id", "uid", right("uid", 5), true, 'system', false, false FROM "users"
WHERE "uid" IN ('00000000000000000000000000010000', '00000000000000000000000000020000')
ON CONFLICT DO NOTHING;
--> statement-breakpoint
-- Whoever has a chat account already gets them as friends, on their own side alone.
INSERT INTO "friends" ("user_id", "friend_id", "created_at", "updated_at")
SELECT "chat_accounts"."user_id", "built_in"."id", now(), now()
FROM "chat_accounts", "users" AS "built_in"
WHERE "built_in"."uid" IN ('00000000000000000000000000010000', '00000000000000000000000000020000')
	AND "chat_accounts"."category" <> 'system'
ON CONFLICT DO NOTHING;
