/** The statement of a profile as every server of the benchmark sends it: `$1` whose, `$2` who asks. */
export const PROFILE_SQL = `select uid, nickname, avatar, bio, card_count as "cardTotal",
  users.status = 1 as "allowLive",
  exists (select 1 from blocks where user_id = $2 and blocked_id = users.id) as blocked,
  exists (select 1 from cards where from_user_id = $2 and to_user_id = users.id
    and deleted_at is null) as "sendCard"
  from users where uid = $1 and deleted_at is null limit 1`;
