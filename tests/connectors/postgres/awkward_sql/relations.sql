CREATE SCHEMA rel;
CREATE TABLE rel.part (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (id);
CREATE TABLE rel.part_a PARTITION OF rel.part FOR VALUES FROM (0) TO (100);
CREATE TABLE rel.part_b PARTITION OF rel.part FOR VALUES FROM (100) TO (200) PARTITION BY HASH (k);
CREATE TABLE rel.part_b0 PARTITION OF rel.part_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE rel.part_b1 PARTITION OF rel.part_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO rel.part SELECT i, i % 3, 'v' || i FROM generate_series(0, 199) i;
CREATE TABLE rel.pointing (a int, b int, part_id int, part_k int,
    FOREIGN KEY (part_id, part_k) REFERENCES rel.part ON UPDATE CASCADE ON DELETE SET NULL (part_k));
INSERT INTO rel.pointing SELECT i, i, i, i % 3 FROM generate_series(0, 50) i;
CREATE TABLE rel.parent (id int PRIMARY KEY); INSERT INTO rel.parent SELECT generate_series(0, 9);
ALTER TABLE rel.part ADD COLUMN p int DEFAULT 3, ADD FOREIGN KEY (p) REFERENCES rel.parent;
CREATE INDEX ON rel.part (v); CREATE INDEX ON ONLY rel.part (p); CREATE UNIQUE INDEX ON rel.part (id, k, p);
CREATE TABLE rel.late (p int, v text, id int NOT NULL, k int NOT NULL, CHECK (id >= 200));
INSERT INTO rel.late VALUES (1, 'late', 250, 0);
ALTER TABLE rel.part ATTACH PARTITION rel.late DEFAULT;
CREATE FUNCTION rel.noop() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER each_row AFTER INSERT OR UPDATE OF v ON rel.part FOR EACH ROW EXECUTE FUNCTION rel.noop('a', 'it''s');
ALTER TABLE rel.part_a DISABLE TRIGGER each_row;
CREATE CONSTRAINT TRIGGER later AFTER UPDATE ON rel.parent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION rel.noop();
CREATE TRIGGER statement AFTER DELETE ON rel.parent REFERENCING OLD TABLE AS gone EXECUTE FUNCTION rel.noop();

CREATE TABLE rel.base (id int NOT NULL DEFAULT 1, t text DEFAULT 'base', CONSTRAINT positive CHECK (id > 0) NO INHERIT,
    CONSTRAINT short CHECK (length(t) < 99));
CREATE TABLE rel.derived (id int DEFAULT 2, extra text[] DEFAULT ARRAY['x', 'y''z']::text[] NOT NULL) INHERITS (rel.base);
ALTER TABLE rel.derived ALTER t SET DEFAULT 'derived';
INSERT INTO rel.base DEFAULT VALUES; INSERT INTO rel.derived DEFAULT VALUES;

CREATE TABLE rel.checks (a varchar(9) CHECK (a IN ('x', 'y')), b text CHECK (b = ANY (ARRAY['p', 'q']::varchar[])),
    c numeric(9, 2) CHECK (c BETWEEN 0 AND 1e6), d timestamptz DEFAULT (now() AT TIME ZONE 'UTC'), e int[] DEFAULT '{1,2}',
    f interval DEFAULT '1 day'::interval HOUR TO MINUTE, g text DEFAULT current_user, h jsonb DEFAULT '{"a": [1]}',
    i bit(3) DEFAULT B'101', j float8 DEFAULT -1.5e-7, k text COLLATE "POSIX" DEFAULT E'\n''\\', UNIQUE NULLS NOT DISTINCT (a, b),
    CHECK ((a IS NULL) <> (b IS NULL) OR NOT (c > 1 AND c < 2)), UNIQUE (a) DEFERRABLE);
INSERT INTO rel.checks (a, c) VALUES ('x', 5);
CREATE INDEX ON rel.checks ((lower(a) || b), (c::int) DESC) WHERE a::text = ANY ('{x,y}') AND c > 0.5;
CREATE INDEX ON rel.checks USING gin (h jsonb_path_ops) WITH (fastupdate = off);
CREATE INDEX ON rel.checks (k COLLATE "C" text_pattern_ops); CREATE INDEX ON rel.checks USING gist (int4range(c::int, c::int + 1));
CREATE VIEW rel.joined (one, "two 2") AS SELECT b.id, d.extra[1] FROM rel.base b LEFT JOIN rel.derived d USING (id)
    WHERE b.id IN (SELECT id FROM rel.parent) ORDER BY 1 LIMIT 5;
CREATE VIEW rel.casts AS SELECT CASE WHEN a = 'x' THEN 1::numeric(5, 1) END AS n, (c::text)::varchar(3) AS t,
    h #>> '{a,0}' AS j, extract(year FROM d) AS y, row_number() OVER (PARTITION BY a ORDER BY c NULLS FIRST) AS r,
    count(*) FILTER (WHERE c > 1) OVER () AS f, ARRAY(SELECT generate_series(1, 2)) AS s, GREATEST(c, 1) AS g,
    a LIKE 'x%' AS l, a ~* '^x' AS m, d AT TIME ZONE 'Europe/Berlin' AS z, ROW(1, b)::pair AS ro, c IS DISTINCT FROM 1 AS dis
    FROM rel.checks;
ALTER VIEW rel.casts ALTER n SET DEFAULT 7; ALTER VIEW rel.joined RENAME one TO first;
CREATE VIEW rel.unions AS (SELECT id FROM rel.parent EXCEPT SELECT 3) UNION (TABLE rel.parent) INTERSECT SELECT 1
    UNION ALL SELECT x + z FROM (VALUES (1), (2)) AS v(x) CROSS JOIN LATERAL (SELECT v.x + 1) AS y(z) WHERE z > x;
CREATE FUNCTION rel.view_write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER instead INSTEAD OF INSERT ON rel.joined FOR EACH ROW EXECUTE FUNCTION rel.view_write();
CREATE FUNCTION rel.setof(n int DEFAULT 3, OUT a int, OUT b text) RETURNS SETOF record LANGUAGE sql STABLE PARALLEL SAFE COST 5 ROWS 7
    SET search_path = rel, pg_temp SET work_mem = '3MB' SECURITY DEFINER AS $body$ SELECT i, 'x' FROM generate_series(1, n) i $body$;
CREATE FUNCTION rel.table_of() RETURNS TABLE (x int, y rel.parent[]) LANGUAGE sql AS 'SELECT 1, NULL::rel.parent[]';
CREATE FUNCTION rel.poly(anyelement, VARIADIC anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE LEAKPROOF AS 'SELECT $1';
CREATE FUNCTION rel.keep(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1';
CREATE AGGREGATE rel.first (anyelement) (SFUNC = rel.keep, STYPE = anyelement, PARALLEL = SAFE);
CREATE DOMAIN rel.checked AS text COLLATE "C" CONSTRAINT not_empty CHECK (VALUE <> '') NOT NULL;
ALTER DOMAIN rel.checked ADD CONSTRAINT lazy CHECK (length(VALUE) < 5) NOT VALID;
CREATE TYPE rel.shell; CREATE TYPE rel.reading AS (at timestamptz, v numeric(9, 3)[]);
CREATE FUNCTION rel.watch() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE SEQUENCE') EXECUTE FUNCTION rel.watch();
CREATE RULE quiet AS ON DELETE TO rel.parent WHERE OLD.id > 5 DO INSTEAD NOTHING;
CREATE STATISTICS rel.many (ndistinct, mcv) ON a, (c + 1) FROM rel.checks; ALTER STATISTICS rel.many SET STATISTICS 50;
CREATE SEQUENCE rel.owned OWNED BY rel.parent.id; CREATE UNLOGGED SEQUENCE rel.light;
