-- What one account pays out to many people at once: a movement for each, of one kind and key. Shares
-- are [{"user_id", "amount", "at"}], a person once. As in post_transaction, accounts that are missing
-- are made first, and all are locked in the order of their ids (M9).
CREATE FUNCTION post_shares(
  kind text, operation_key text, input_hash text, source_kind text, source_owner bigint, shares jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  entry_count bigint;
BEGIN
  INSERT INTO accounts (kind, owner_id)
  SELECT 'wallet', share.user_id
  FROM jsonb_to_recordset(shares) AS share (user_id bigint)
  WHERE NOT EXISTS (
    SELECT FROM accounts AS known WHERE known.kind = 'wallet' AND known.owner_id = share.user_id
  )
  ORDER BY share.user_id
  ON CONFLICT DO NOTHING;
  WITH posted AS (
    INSERT INTO transactions (kind, user_id, operation_key, input_hash, created_at)
    SELECT kind, share.user_id, operation_key, input_hash, share.at
    FROM jsonb_to_recordset(shares) AS share (user_id bigint, at timestamptz)
    ORDER BY share.user_id
    RETURNING id, transactions.user_id
  )
  INSERT INTO entries (transaction_id, account_id, amount)
  SELECT posted.id, leg.account_id, leg.amount
  FROM posted JOIN jsonb_to_recordset(shares) AS share (user_id bigint, amount bigint)
    ON share.user_id = posted.user_id
  CROSS JOIN LATERAL (
    SELECT accounts.id, -share.amount FROM accounts
    WHERE accounts.kind = source_kind AND accounts.owner_id = source_owner
    UNION ALL
    SELECT accounts.id, share.amount FROM accounts
    WHERE accounts.kind = 'wallet' AND accounts.owner_id = posted.user_id
  ) AS leg (account_id, amount)
  ORDER BY leg.account_id, posted.id;
  GET DIAGNOSTICS entry_count = ROW_COUNT;
  RETURN entry_count / 2;
END
$$;
--> statement-breakpoint
-- Room on each page for the next version of a row, which then is in no index either.
ALTER TABLE accounts SET (fillfactor = 70);
--> statement-breakpoint
ALTER TABLE red_packets SET (fillfactor = 70);
