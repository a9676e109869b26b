CREATE FUNCTION odd.touch() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN NEW.a := coalesce(NEW.a, '') || '!'; RETURN NEW; END $f$;
CREATE FUNCTION odd.twice(x int) RETURNS int LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1 * 2';
CREATE FUNCTION odd.newer(a int, OUT b int, VARIADIC c text[] DEFAULT '{}') LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
CREATE PROCEDURE odd.proc(INOUT x text) LANGUAGE plpgsql AS $$ BEGIN x := 'p'; END $$;
CREATE AGGREGATE odd.total(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE OPERATOR odd.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE CAST (pair AS text) WITH INOUT AS ASSIGNMENT;
CREATE COLLATION odd.plain FROM "C"; CREATE TEXT SEARCH CONFIGURATION odd.conf (COPY = simple);

CREATE TABLE d_triggers (id int PRIMARY KEY, a text); INSERT INTO d_triggers VALUES (1, 'untouched'), (2, NULL);
CREATE TRIGGER a_always BEFORE INSERT OR UPDATE ON d_triggers FOR EACH ROW EXECUTE FUNCTION odd.touch();
ALTER TABLE d_triggers ENABLE ALWAYS TRIGGER a_always;
CREATE TRIGGER b_off BEFORE INSERT ON d_triggers FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION odd.touch();
ALTER TABLE d_triggers DISABLE TRIGGER b_off;
CREATE TABLE d_log (n int); CREATE TABLE d_rules (a int);
INSERT INTO d_rules VALUES (1); CREATE RULE watch AS ON INSERT TO d_rules DO ALSO INSERT INTO d_log VALUES (NEW.a);
CREATE TABLE d_hen (id int PRIMARY KEY, egg int NOT NULL); CREATE TABLE d_egg (id int PRIMARY KEY, hen int NOT NULL);
INSERT INTO d_hen VALUES (1, 1), (2, 2); INSERT INTO d_egg VALUES (1, 2), (2, 1);
ALTER TABLE d_hen ADD FOREIGN KEY (egg) REFERENCES d_egg; ALTER TABLE d_egg ADD FOREIGN KEY (hen) REFERENCES d_hen DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE d_self (id int PRIMARY KEY, up int REFERENCES d_self); INSERT INTO d_self VALUES (1, 3), (2, 1), (3, NULL);
CREATE TABLE d_rls (id int PRIMARY KEY, who text); INSERT INTO d_rls VALUES (1, 'a'), (2, 'b');
ALTER TABLE d_rls ENABLE ROW LEVEL SECURITY; ALTER TABLE d_rls FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON d_rls AS RESTRICTIVE FOR SELECT TO awkward_reader, "awkward Owner" USING (who = current_user);
CREATE TABLE d_checked (a int CONSTRAINT "odd %" CHECK (a > 0), b int); INSERT INTO d_checked VALUES (1, -1);
ALTER TABLE d_checked ADD CONSTRAINT late CHECK (b > 0) NOT VALID;
ALTER TABLE d_checked ADD FOREIGN KEY (b) REFERENCES d_self NOT VALID;
CREATE INDEX d_expr ON d_checked (odd.twice(a) DESC NULLS LAST) INCLUDE (b) WHERE b IS NOT NULL;
CREATE INDEX ON t_ints USING brin (c); CREATE INDEX ON t_ints USING hash (b); CREATE INDEX ON t_arrays USING gin (a);
ALTER TABLE s_key_order CLUSTER ON s_key_order_pkey; ALTER TABLE s_no_key REPLICA IDENTITY FULL;
ALTER TABLE t_ints ALTER a SET STATISTICS 500; CREATE STATISTICS odd.stats (dependencies) ON a, b FROM t_ints;
CREATE VIEW v_simple WITH (security_barrier) AS SELECT a, b FROM t_ints WHERE a > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW odd."V ""x"" y" AS SELECT * FROM v_simple UNION ALL SELECT 1, 2;
CREATE RECURSIVE VIEW v_recursive (n) AS SELECT 1 UNION ALL SELECT n + 1 FROM v_recursive WHERE n < 5;
CREATE MATERIALIZED VIEW odd.m_two AS SELECT a, count(*) AS n FROM s_no_key GROUP BY a;
CREATE MATERIALIZED VIEW m_one AS SELECT n, count(*) FROM odd.m_two GROUP BY n;
CREATE UNIQUE INDEX ON m_one (n);
CREATE MATERIALIZED VIEW m_never AS SELECT 1 AS x WITH NO DATA;
CREATE PUBLICATION "pub %" FOR TABLE t_texts (id), d_self WHERE (id > 1);

ALTER TABLE d_self OWNER TO "awkward Owner"; ALTER SCHEMA odd OWNER TO "awkward Owner";
GRANT SELECT (a), UPDATE (b) ON d_checked TO awkward_reader WITH GRANT OPTION; GRANT ALL ON d_self TO "to";
GRANT USAGE ON SCHEMA odd TO PUBLIC, awkward_reader; REVOKE ALL ON FUNCTION odd.twice(int) FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA odd GRANT SELECT ON TABLES TO awkward_reader;
COMMENT ON TABLE t_ints IS E'quoted '' and \\ and \n newline'; COMMENT ON COLUMN t_ints.a IS '%';
COMMENT ON SCHEMA odd IS 'schema'; COMMENT ON CONSTRAINT "odd %" ON d_checked IS 'c';

SELECT lo_from_bytea(70001, decode(repeat(md5('lo'), 90000), 'hex')), lo_from_bytea(70002, ''),
       lo_from_bytea(70003, '\x00ff'), lo_create(4294967290);
ALTER LARGE OBJECT 70003 OWNER TO "awkward Owner"; GRANT SELECT ON LARGE OBJECT 70001 TO awkward_reader;
CREATE TABLE t_lasts (a text COLLATE odd.plain, b int); INSERT INTO t_lasts VALUES ('z', 1);
