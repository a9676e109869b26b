CREATE EXTENSION hstore SCHEMA odd; CREATE EXTENSION citext; CREATE EXTENSION ltree;
CREATE EXTENSION cube; CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm; CREATE EXTENSION isn;
CREATE EXTENSION postgres_fdw;
CREATE TABLE t_hstores (a odd.hstore);
INSERT INTO t_hstores VALUES ('a=>1, "b c"=>NULL, "q\"x"=>"\\\\"'), (''), (NULL);
CREATE TABLE t_citexts (a citext PRIMARY KEY, b citext[]);
INSERT INTO t_citexts VALUES ('ABC', '{Q,q}'), ('ß', '{}'), ('', NULL);
CREATE TABLE t_ltrees (a ltree, b lquery, c ltree[]);
INSERT INTO t_ltrees VALUES ('Top.Child_1', '*.Child*@{1,2}.!x', '{a.b,c}'), ('', '*', NULL);
CREATE TABLE t_contrib (a cube, b isbn13, c ean13);
INSERT INTO t_contrib VALUES ('(1,2),(3,4)', '978-0-393-04002-9', NULL), ('(0)', NULL, '0012345678905');
CREATE TABLE t_xmls (a xml);
INSERT INTO t_xmls VALUES ('<a b="c">d &amp; e</a>'), ('text <b/> more'), (''), ('<a><![CDATA[<x>]]></a>'),
    (E'<!-- c -->\n<r xmlns:x="u"/>'), (NULL), ('<?pi x?><ü>é</ü>');
CREATE TABLE t_exclusion (room int, during tsrange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO t_exclusion VALUES (1, '[2026-01-01,2026-01-02)'), (1, '[2026-01-02,2026-01-03)');
CREATE INDEX ON t_texts USING gin (a gin_trgm_ops) WHERE length(a) < 1000;
CREATE SERVER "far away" FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid');
CREATE FOREIGN TABLE t_foreign (a int) SERVER "far away" OPTIONS (table_name 'x');
