/** `n` from 0 below the number of rows, which may name `$people`. */
const rowsFrom = (count: string) =>
  `from (select generate_series(0, (${count})::bigint - 1) as n) as rows`;
/** As if the newest row of a table were made now and the others within a year before. */
const spread = (count: string) => `(now() - interval '1 year' * (1 - n::float8 / (${count})))`;
const id = (n: string) => `$user + ${n}`;
/** Somebody else, a few places further round. */
const neighbour = (n: string, distance: string) => `$user + (${n} + ${distance}) % $people`;

/** Statements for each table; `$people`, `$user`, `$group` and `$large` stand for numbers. */
export const GROWN_TABLES: Record<string, string[]> = {
  users: [
    `insert into users (id, uid, app_id, app_uid, country_code, mobile, nickname, avatar, bio,
       profile_at, card_count, unread_count, created_at, updated_at, last_login_at)
     select ${id("n")}, md5(n::text), 0, ${id("n")}, '86', (13000000000 + n)::text,
       'Person ' || md5(n::text), 'https://cdn.example.com/avatars/' || md5(n::text) || '.png',
       'What somebody says of themselves', now(), 5, 5, ${spread("$people")}, now(), now()
     ${rowsFrom("$people")}`,
  ],
  user_counts: [
    "delete from user_counts",
    `insert into user_counts (status, exchanger, bucket, count)
     select status, exchanger, id % 16, count(*) from users where app_id = 0 group by 1, 2, 3`,
  ],
  chat_accounts: [
    `insert into chat_accounts (user_id, username, short_no, password)
     select ${id("n")}, '0086' || (13000000000 + n), 'short' || n, repeat('p', 120)
     ${rowsFrom("$people")}`,
  ],
  devices: [
    `insert into devices (user_id, device_id, name, model, created_at, last_login_at)
     select ${id("n")}, md5('device ' || n), 'Phone', 'Model', now(), now() ${rowsFrom("$people")}`,
  ],
  sessions: [
    `insert into sessions (token_hash, user_id, kind, client_type, address, created_at, expires_at)
     select encode(sha256(md5('token ' || n)::bytea), 'hex'), ${id("n")}, 0, 1, '192.0.2.1', now(),
       now() + interval '30 days' ${rowsFrom("$people")}`,
  ],
  login_networks: [
    `insert into login_networks select ${id("n")}, '192.0.2.1', now() ${rowsFrom("$people")}`,
  ],
  blocks: [
    `insert into blocks select ${id("n / 5")}, ${neighbour("n / 5", "100 + n % 5")},
       ${spread("$people * 5")} ${rowsFrom("$people * 5")}`,
  ],
  cards: [
    `insert into cards select ${neighbour("n / 5", "200 + n % 5")}, ${id("n / 5")},
       ${spread("$people * 5")} ${rowsFrom("$people * 5")}`,
  ],
  friends: [
    `insert into friends (user_id, friend_id, created_at, updated_at)
     select ${id("n % $people")},
       ${neighbour("n", "(array[1, 2, 3, -3, -2, -1])[1 + n / $people] + $people")},
       ${spread("$people * 6")}, ${spread("$people * 6")} ${rowsFrom("$people * 6")}`,
  ],
  clubs: [
    `insert into clubs (id, owner_id, name, cover, member_count, created_at)
     select md5('club ' || n), ${id("n * 50")}, 'Club ' || n, 'https://cdn.example.com/c.png', 100,
       ${spread("$people / 50")} ${rowsFrom("$people / 50")}`,
  ],
  // Everybody is in two: that of their fifty, and that of the fifty behind them.
  club_members: [
    `insert into club_members
     select md5('club ' || (n % $people / 50 + n / $people) % ($people / 50)),
       ${id("n % $people")}, ${spread("$people * 2")} ${rowsFrom("$people * 2")}`,
  ],
  notifications: [
    `insert into notifications (id, user_id, origin, origin_user_id, title, content, url,
       created_at)
     select 1600000000000000 + n, ${id("n % $people")}, 2, ${neighbour("n", "1")}, 'A title',
       'What happened, in a sentence or two', 'plaza://profile/' || md5(n::text),
       ${spread("$people * 5")} ${rowsFrom("$people * 5")}`,
  ],
  // One in a hundred is open; every second of these is a club's.
  rooms: [
    `insert into rooms (id, host_id, name, club_id, created_at, closed_at)
     select md5('room ' || n), ${id("n % $people")}, 'Room ' || n,
       case when n % 2 = 0 then md5('club ' || n % $people / 50) end, ${spread("$people")},
       case when n % 100 > 1 then ${spread("$people")} end ${rowsFrom("$people")}`,
  ],
  // Rows of the first ten of a hundred, and so of every open room.
  room_members: [
    `insert into room_members (room_id, user_id, joined_at, seen_at)
     select md5('room ' || n / 10 * 100 + n % 2), ${id("n")}, now(),
       now() + interval '1 day' ${rowsFrom("$people / 10")}`,
  ],
  room_invites: [
    `insert into room_invites select md5('room ' || n), ${neighbour("n", "1")}, ${id("n")},
       ${spread("$people / 10")} ${rowsFrom("$people / 10")}`,
  ],
  // One in twenty is still to come.
  events: [
    `insert into events (id, creator_id, name, event_at, created_at)
     select md5('event ' || n), ${id("n")}, 'Event ' || n,
       now() + interval '1 hour' + interval '1 day' * (case when n % 20 = 0 then 1 else -1 end)
         * (1 + n % 300), ${spread("$people / 2")} ${rowsFrom("$people / 2")}`,
  ],
  event_members: [
    `insert into event_members select md5('event ' || n / 3), ${neighbour("n / 3", "n % 3")}, n % 3
     ${rowsFrom("$people / 2 * 3")}`,
  ],
  // The last are large ones that keep a log, a thousand people each.
  groups: [
    `insert into groups (id, group_no, owner_id, name, is_super, member_count, created_at,
       updated_at) overriding system value
     select $group + n, md5('group ' || n), ${id("n * 50 % $people")}, 'Group ' || md5(n::text),
       n >= $people / 50, case when n >= $people / 50 then 1000 else 50 end, now(), now()
     ${rowsFrom("$people / 50 + $people / 1000")}
     union all select $large, md5('large'), $user, 'Large', true, $people / 10, now(), now()`,
  ],
  group_counts: [
    `insert into group_counts select id % 16, count(*) from groups group by 1`,
  ],
  group_members: [
    `insert into group_members (group_id, user_id, id, joined_at, log_seq, role)
     select case n / $people when 0 then $group + n / 50
         when 1 then $group + $people / 50 + n % $people / 1000 else $large end,
       ${id("n % $people")}, n, now(), case n / $people when 0 then 0 else 100 end,
       case when n % 50 = 0 and n < $people then 1 else 0 end
     ${rowsFrom("$people * 21 / 10")}`,
  ],
  // Five to each of the next five people, then a hundred to each of the large groups.
  messages: [
    `insert into messages (id, channel_type, sender_id, receiver_id, client_msg_no, payload,
       red_dot, created_at) overriding system value
     select 1000001 + n, 1, ${id("n % $people")}, ${neighbour("n", "1 + n / $people")},
       md5(n::text), '{"type":1,"content":"as long as most of what people write is"}', true,
       ${spread("$people * 5")} ${rowsFrom("$people * 5")}`,
    `insert into messages (id, channel_type, sender_id, group_id, client_msg_no, payload, red_dot,
       created_at, is_logged) overriding system value
     select 1000001 + $people * 5 + n, 2, ${id("n % 100 + n / 100 * 1000")},
       case when n < $people / 10 then $group + $people / 50 + n / 100 else $large end,
       md5(n::text), '{"type":1,"content":"as long as most of what people write is"}', true, now(),
       true ${rowsFrom("$people / 10 + 100")}`,
  ],
  inbox: [
    `insert into inbox (user_id, seq, message_id, channel_type, channel_id)
     select case n % 2 when 0 then sender else receiver end,
       round + case n % 2 when 0 then 1 else 6 end, 1000001 + n / 2, 1,
       case n % 2 when 0 then receiver else sender end
     from (select n, n / 2 / $people as round, ${id("n / 2 % $people")} as sender,
         ${neighbour("n / 2", "1 + n / 2 / $people")} as receiver
       ${rowsFrom("$people * 10")}) as said`,
  ],
  inbox_heads: [
    `insert into inbox_heads (user_id, last_seq) select ${id("n")}, 10 ${rowsFrom("$people")}`,
  ],
  conversations: [
    `insert into conversations
       (user_id, channel_type, channel_id, last_seq, unread_count, updated_at)
     select user_id, channel_type, channel_id, seq, case when seq > 5 then 1 else 0 end, now()
     from inbox`,
  ],
  group_heads: [
    `insert into group_heads select id, 100 from groups where is_super`,
  ],
  group_logs: [
    `insert into group_logs
     select case when n < $people / 10 then $group + $people / 50 + n / 100 else $large end,
       1 + n % 100, 1000001 + $people * 5 + n ${rowsFrom("$people / 10 + 100")}`,
  ],
  wallets: [
    `insert into wallets (user_id, pay_password_hash, created_at)
     select ${id("n")}, repeat('p', 120), now() ${rowsFrom("$people")}`,
  ],
  // The wallet and what was paid in, of everybody.
  accounts: [
    `insert into accounts (id, kind, owner_id, balance, version) overriding system value
     select n + 1, case n % 2 when 0 then 'wallet' else 'recharge' end, ${id("n / 2")},
       case n % 2 when 0 then 3000 else -3000 end, 3 ${rowsFrom("$people * 2")}`,
  ],
  transactions: [
    `insert into transactions (id, kind, user_id, operation_key, input_hash, created_at)
       overriding system value
     select n + 1, 'recharge', ${id("n % $people")}, md5('operation ' || n), md5(n::text),
       ${spread("$people * 3")} ${rowsFrom("$people * 3")}`,
  ],
  entries: [
    `insert into entries (id, transaction_id, account_id, amount, balance_after, account_version)
       overriding system value
     select n + 1, n / 2 + 1, n / 2 % $people * 2 + n % 2 + 1,
       case n % 2 when 0 then 1000 else -1000 end,
       (n / 2 / $people + 1) * case n % 2 when 0 then 1000 else -1000 end, n / 2 / $people + 1
     ${rowsFrom("$people * 6")}`,
  ],
  transfers: [
    `insert into transfers (id, transfer_no, sender_id, receiver_id, amount, state, transaction_id,
       created_at, expires_at, received_at) overriding system value
     select n + 1, md5('transfer ' || n), ${id("n")}, ${neighbour("n", "1")}, 1000, 'received',
       n + 1, now(), now(), now() ${rowsFrom("$people")}`,
  ],
  red_packets: [
    `insert into red_packets (id, redpacket_no, sender_id, type, group_id, amount, share_count,
       opened_count, opened_amount, blessing, state, transaction_id, created_at, paid_at,
       expires_at, finished_at) overriding system value
     select n + 1, md5('packet ' || n), ${id("n * 5")}, 2, $group + n / 10, 1000, 5, 5, 1000,
       'Good luck', 'finished', n + 1, now(), now(), now() + interval '1 day', now()
     ${rowsFrom("$people / 5")}`,
  ],
  red_packet_shares: [
    `insert into red_packet_shares select n / 5 + 1, n % 5 + 1, 200, ${id("n")}, now()
     ${rowsFrom("$people")}`,
  ],
  real_names: [
    `insert into real_names select ${id("n")}, 'Name ' || md5(n::text), 'idcard', '',
       md5(n::text), now() ${rowsFrom("$people / 10")}`,
  ],
  payment_methods: [
    `insert into payment_methods (user_id, type, name, account_sealed, account_index,
       account_last4, created_at)
     select ${id("n")}, 4, 'Name', repeat('s', 80), md5(n::text), '1234', now()
     ${rowsFrom("$people / 10")}`,
  ],
  profit_records: [
    `insert into profit_records
     select md5(n::text)::uuid, '202102', $group + n / 50, ${id("n")}, 'Inviter', 1,
       case when n % 50 = 0 then 'error' else 'claimed' end, '', ${spread("$people / 10")}, now()
     ${rowsFrom("$people / 10")}`,
  ],
  profit_counts: [
    `insert into profit_counts (group_id, state, count)
     select group_id, state, count(*) from profit_records group by 1, 2`,
  ],
};
