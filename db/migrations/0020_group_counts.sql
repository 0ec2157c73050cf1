CREATE TABLE "group_counts" (
	"bucket" smallint PRIMARY KEY NOT NULL,
	"count" bigint NOT NULL
);

--> statement-breakpoint
-- How many groups operators' list has, without counting it (as user_counts, 0011). Many that are
-- made at once are counted at once.
CREATE FUNCTION count_new_groups() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO group_counts AS known (bucket, count)
  SELECT id % 16, count(*) FROM added WHERE app_id = 0 AND disbanded_at IS NULL GROUP BY 1 ORDER BY 1
  ON CONFLICT (bucket) DO UPDATE SET count = known.count + excluded.count;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER groups_added AFTER INSERT ON groups REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION count_new_groups();
--> statement-breakpoint
CREATE FUNCTION count_group_again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE group_counts SET count = count + CASE WHEN TG_OP = 'UPDATE' AND NEW.disbanded_at IS NULL
    THEN 1 ELSE -1 END
  WHERE bucket = OLD.id % 16;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER groups_disbanded AFTER UPDATE OF disbanded_at ON groups FOR EACH ROW
  WHEN (OLD.app_id = 0 AND (OLD.disbanded_at IS NULL) <> (NEW.disbanded_at IS NULL))
  EXECUTE FUNCTION count_group_again();
--> statement-breakpoint
CREATE TRIGGER groups_deleted AFTER DELETE ON groups FOR EACH ROW
  WHEN (OLD.app_id = 0 AND OLD.disbanded_at IS NULL) EXECUTE FUNCTION count_group_again();
--> statement-breakpoint
INSERT INTO group_counts (bucket, count)
SELECT id % 16, count(*) FROM groups WHERE app_id = 0 AND disbanded_at IS NULL GROUP BY 1;
