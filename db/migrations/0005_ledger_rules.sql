-- What no program may do to money, whichever it is (reliability notes, M1 to M4).

-- An account's balance is the sum of its entries: writing an entry is what moves it, and the entry
-- keeps the balance and the account's version that came of it.
CREATE FUNCTION post_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE accounts SET balance = balance + NEW.amount, version = version + 1
  WHERE id = NEW.account_id
  RETURNING balance, version INTO NEW.balance_after, NEW.account_version;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER entries_post BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION post_entry();
--> statement-breakpoint
CREATE FUNCTION refuse_unbalanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM posted GROUP BY transaction_id HAVING sum(amount) <> 0) THEN
    RAISE EXCEPTION 'the entries of a transaction must sum to zero'
      USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_balanced';
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER entries_balanced AFTER INSERT ON entries REFERENCING NEW TABLE AS posted
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced();
--> statement-breakpoint
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'ledger_append_only';
END
$$;
--> statement-breakpoint
CREATE TRIGGER entries_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON entries
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER transactions_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON transactions
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
CREATE TRIGGER accounts_kept BEFORE DELETE OR TRUNCATE ON accounts
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
--> statement-breakpoint
-- Two deep: the update that comes out of the trigger on entries, and no other.
CREATE FUNCTION refuse_unposted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' AND NEW.balance = 0 AND NEW.version = 0 THEN RETURN NEW; END IF;
  IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 THEN RETURN NEW; END IF;
  RAISE EXCEPTION 'balances are changed by posting entries alone'
    USING ERRCODE = 'insufficient_privilege', CONSTRAINT = 'accounts_posted';
END
$$;
--> statement-breakpoint
CREATE TRIGGER accounts_posted BEFORE INSERT OR UPDATE ON accounts
  FOR EACH ROW EXECUTE FUNCTION refuse_unposted();
--> statement-breakpoint
-- Writes one movement: legs are [{"kind", "owner", "amount"}]. Accounts that are missing are made
-- first; all are locked in the order of their ids (M9).
CREATE FUNCTION post_transaction(
  kind text, user_id bigint, operation_key text, input_hash text, remark text,
  reverses_id bigint, at timestamptz, legs jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  posted_id bigint;
BEGIN
  INSERT INTO accounts (kind, owner_id)
  SELECT DISTINCT leg.kind, leg.owner
  FROM jsonb_to_recordset(legs) AS leg (kind text, owner bigint)
  WHERE NOT EXISTS (
    SELECT FROM accounts AS known WHERE known.kind = leg.kind AND known.owner_id = leg.owner
  )
  ORDER BY leg.kind, leg.owner
  ON CONFLICT DO NOTHING;
  INSERT INTO transactions (kind, user_id, operation_key, input_hash, remark, reverses_id, created_at)
  VALUES (kind, user_id, operation_key, input_hash, remark, reverses_id, at)
  RETURNING id INTO posted_id;
  INSERT INTO entries (transaction_id, account_id, amount)
  SELECT posted_id, accounts.id, leg.amount
  FROM jsonb_to_recordset(legs) AS leg (kind text, owner bigint, amount bigint)
  JOIN accounts ON accounts.kind = leg.kind AND accounts.owner_id = leg.owner
  ORDER BY accounts.id;
  RETURN posted_id;
END
$$;
