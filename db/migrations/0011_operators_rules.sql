-- Substring search (admin: by nick; ops: groups by name, profits by real name).
CREATE EXTENSION IF NOT EXISTS pg_trgm;
--> statement-breakpoint
CREATE INDEX users_nickname_trigrams ON users USING gin (lower(nickname) gin_trgm_ops) WHERE app_id = 0;
--> statement-breakpoint
CREATE INDEX groups_name_trigrams ON groups USING gin (lower(name) gin_trgm_ops) WHERE app_id = 0;
--> statement-breakpoint
CREATE INDEX real_names_name_trigrams ON real_names USING gin (lower(name) gin_trgm_ops);
--> statement-breakpoint
CREATE INDEX users_mobile_trigrams ON users USING gin (mobile gin_trgm_ops) WHERE app_id = 0;
--> statement-breakpoint
-- Totals that lists show without counting: house users by status, in 16 rows each.
CREATE FUNCTION count_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.app_id = 0 THEN
    UPDATE user_counts SET count = count - 1
    WHERE status = OLD.status AND exchanger = OLD.exchanger AND bucket = OLD.id % 16;
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.app_id = 0 THEN
    INSERT INTO user_counts AS known (bucket, status, exchanger, count)
    VALUES (NEW.id % 16, NEW.status, NEW.exchanger, 1)
    ON CONFLICT (status, exchanger, bucket) DO UPDATE SET count = known.count + 1;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER users_counted_in AFTER INSERT OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION count_user();
--> statement-breakpoint
CREATE TRIGGER users_counted_again AFTER UPDATE OF status, exchanger ON users FOR EACH ROW
  WHEN (OLD.status <> NEW.status OR OLD.exchanger <> NEW.exchanger) EXECUTE FUNCTION count_user();
--> statement-breakpoint
INSERT INTO user_counts (bucket, status, exchanger, count)
SELECT id % 16, status, exchanger, count(*) FROM users WHERE app_id = 0 GROUP BY 1, 2, 3;
--> statement-breakpoint
-- A payout's way: init to claimed or error, error to claimed or another error; claimed is the end (M10).
CREATE FUNCTION refuse_payout_edge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.state = 'claimed' OR NEW.state = 'init' AND OLD.state <> 'init' THEN
    RAISE EXCEPTION 'a payout does not go from % to %', OLD.state, NEW.state
      USING ERRCODE = 'check_violation', CONSTRAINT = 'profit_records_edge';
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER profit_records_edges BEFORE UPDATE ON profit_records FOR EACH ROW
  WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION refuse_payout_edge();
--> statement-breakpoint
CREATE FUNCTION count_profits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO profit_counts AS known (group_id, state, count)
    SELECT group_id, state, count(*) FROM added GROUP BY group_id, state ORDER BY group_id, state
    ON CONFLICT (group_id, state) DO UPDATE SET count = known.count + excluded.count;
  ELSE
    INSERT INTO profit_counts AS known (group_id, state, count)
    SELECT group_id, state, sum(change) FROM (
      SELECT group_id, state, 1 AS change FROM added
      UNION ALL SELECT group_id, state, -1 FROM removed
    ) AS changes GROUP BY group_id, state HAVING sum(change) <> 0 ORDER BY group_id, state
    ON CONFLICT (group_id, state) DO UPDATE SET count = known.count + excluded.count;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER profit_records_added AFTER INSERT ON profit_records REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_profits();
--> statement-breakpoint
CREATE TRIGGER profit_records_changed AFTER UPDATE ON profit_records
  REFERENCING NEW TABLE AS added OLD TABLE AS removed
  FOR EACH STATEMENT EXECUTE FUNCTION count_profits();
