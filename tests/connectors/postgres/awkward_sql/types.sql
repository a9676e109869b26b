CREATE SCHEMA odd; CREATE SCHEMA "Schema ""quoted"".dot"; CREATE SCHEMA "select";
CREATE TABLE "Schema ""quoted"".dot"."Table" (id int);
CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s "odd"', 'naïve ☂', '');
CREATE TYPE pair AS (a int, "b ""q"" c" text);
CREATE TYPE nest AS (p pair, l pair[], n numeric);
CREATE DOMAIN positive AS int CHECK (VALUE > 0) DEFAULT 1;
CREATE DOMAIN pairs AS pair[];
CREATE DOMAIN never_null AS text NOT NULL;
CREATE TYPE text_range AS RANGE (subtype = text, collation = "C");

CREATE TABLE t_ints (a smallint, b int, c bigint);
INSERT INTO t_ints VALUES (-32768, -2147483648, -9223372036854775808),
    (32767, 2147483647, 9223372036854775807), (0, 0, 0), (NULL, NULL, NULL);
CREATE TABLE t_floats (a real, b double precision);
INSERT INTO t_floats VALUES ('NaN', 'NaN'), ('Infinity', '-Infinity'), (-0.0, -0.0),
    (1.17549435e-38, 4.9406564584124654e-324), (3.4028235e38, 1.7976931348623157e308),
    (0.1, 0.30000000000000004), (1e-10, 1.0000000000000002);
CREATE TABLE t_numerics (a numeric, b numeric(20, 5), c numeric(3, 0));
INSERT INTO t_numerics VALUES ('NaN', 0, 1), ('Infinity', -1.5, 0), ('-Infinity', 1.10, 999),
    (1.10, 1.1, 1), (1.1, 0.00000, -1), (-0.000, NULL, NULL),
    (repeat('9', 1000)::numeric, 123456789012345.12345, 1), (('0.' || repeat('1', 900))::numeric, 1, 1);
CREATE TABLE t_money (a money); INSERT INTO t_money VALUES ('-92233720368547758.08'), (0.01), (NULL);
CREATE TABLE t_texts (id serial PRIMARY KEY, a text);
INSERT INTO t_texts (a) VALUES (NULL), (''), (' '), (E'\n'), (E'\r\n'), (E'\t'), (E'\\'), (E'\\N'),
    (E'\\.'), (E'\\n'), ('"'), (''''), (E'a\tb\nc\\d"e'), ('NULL'), ('null'), ('{}'), ('[]'),
    (E'\x7f'), (E'\u00a0\u200b\u202e\ufeff'), ('Zoë 李小龍 🙂 مرحبا'), (E'e\u0301 \u00e9'),
    (repeat('ab', 5000)), (E'\b\f\v\a'), (E'ends with backslash\\'), (E'\u2028\u2029'), ('%s %(x)s'),
    ('</script>'), (E'\U0010ffff'), ('--'), ('/* */');
INSERT INTO t_texts (a) SELECT 'c' || chr(i) || 'd' FROM generate_series(1, 160) i;
CREATE TABLE t_chars (a char(5), b varchar(3), c "char", d name, e char, f bpchar);
INSERT INTO t_chars VALUES ('a', 'b', 'c', 'd', 'e', 'f  '), ('', '', '', '', '', ''),
    ('ab   ', '  x', E'\n', repeat('n', 63), ' ', '   '), (NULL, NULL, '\200', NULL, NULL, NULL);
CREATE TABLE t_byteas (id int PRIMARY KEY, a bytea);
INSERT INTO t_byteas VALUES (1, ''), (2, NULL), (3, '\x00'), (4, '\x5c5c0a0d09');
INSERT INTO t_byteas SELECT 100, decode(string_agg(lpad(to_hex(i), 2, '0'), '' ORDER BY i), 'hex')
    FROM generate_series(0, 255) i;
CREATE TABLE t_booleans (a boolean); INSERT INTO t_booleans VALUES (true), (false), (NULL);
CREATE TABLE t_dates (a date);
INSERT INTO t_dates VALUES ('infinity'), ('-infinity'), ('4713-01-01 BC'), ('5874897-12-31'),
    ('0001-01-01'), ('2000-02-29'), ('12345-06-07'), ('0044-03-15 BC');
CREATE TABLE t_times (a time, b timetz, c time(2));
INSERT INTO t_times VALUES ('24:00', '24:00:00-15:59', '23:59:59.99'), ('00:00', '00:00+15:59:59',
    '0:0:0.005'), ('12:34:56.789012', '01:02:03.000001+05:30', NULL);
CREATE TABLE t_timestamps (a timestamp, b timestamptz, c timestamptz(0));
INSERT INTO t_timestamps VALUES ('infinity', '-infinity', 'infinity'), ('4713-01-01 BC',
    '0001-12-31 23:59:59 BC', '2000-01-01 00:00:00+00'), ('294276-12-31 23:59:59.999999',
    '1883-11-18 12:03:57+00', '2026-10-25 00:30:00+00'), ('2026-03-29 02:30', '1900-01-01+0', NULL);
CREATE TABLE t_intervals (a interval, b interval year to month, c interval second(2));
INSERT INTO t_intervals VALUES ('1 year -2 mons 3 days -04:05:06.789', '13 mons', '1.234'),
    ('-178000000 years', '0', '0'), ('00:00:00.000001', NULL, '-1.5'), ('1 mon', '-1 mon', '9999 s');
CREATE TABLE t_uuids (a uuid PRIMARY KEY, b uuid[]);
INSERT INTO t_uuids SELECT md5(i::text)::uuid, ARRAY[md5('x' || i)::uuid, NULL]
    FROM generate_series(1, 100) i;
CREATE TABLE t_nets (a inet, b cidr, c macaddr, d macaddr8);
INSERT INTO t_nets VALUES ('192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03',
    '08:00:2b:01:02:03:04:05'), ('::1', '2001:db8::/32', NULL, NULL), ('0.0.0.0/0', '::/0',
    'ff:ff:ff:ff:ff:ff', '00:00:00:00:00:00:00:00'), ('::ffff:1.2.3.4/128', '1.2.3.4/32', NULL, NULL);
CREATE TABLE t_bits (a bit, b bit(9), c bit varying, d varbit(4));
INSERT INTO t_bits VALUES (B'1', B'101010101', B'', B'0'), (B'0', B'000000000',
    repeat('10', 500)::varbit, B'1111'), (NULL, NULL, NULL, NULL);
CREATE TABLE t_jsons (a json, b jsonb, c jsonpath);
INSERT INTO t_jsons VALUES ('{"a": 1,  "a": 2 , "b":[ ]}', '{"a": 1, "a": 2}', '$.a[*] ? (@ > 1)'),
    (E'"\\u00e9\\n\\\\"', '"é\n\\"', 'strict $'), ('null', 'null', NULL), (NULL, NULL, NULL),
    ('1.0e400', '12345678901234567890.123456789000', NULL), (' [1 , 2]', '[]', NULL), ('""', '""', NULL);
CREATE TABLE t_arrays (a int[], b text[], c int[][], d numeric[], e text[3]);
INSERT INTO t_arrays VALUES ('{}', '{}', '{}', '{}', '{}'), (NULL, NULL, NULL, NULL, NULL),
    ('{1,NULL,3}', ARRAY['NULL', NULL, '', ' ', 'a,b', '{', '"', E'\\', E'\n', ''''], '{{1,2},{3,4}}',
     '{NaN,1.10,Infinity}', '{1,2,3,4,5}'), ('[0:2]={1,2,3}', '[-1:0]={x,y}',
     '[0:1][5:6]={{1,2},{3,4}}', '[2:2]={0}', ARRAY[E'\t']), ('{{{1}},{{2}}}', NULL, NULL, NULL, NULL);
CREATE TABLE t_odd_arrays (a jsonb[], b bytea[], c timestamptz[], d mood[], e pair[], f int4range[],
    g "char"[], h boolean[], i interval[], j name[], k pairs, l point[], m box[]);
INSERT INTO t_odd_arrays VALUES (ARRAY['{"a": "b,c"}', 'null', NULL]::jsonb[], '{"\\x00ff","\\x",NULL}',
    '{infinity,"2026-01-01 00:00:00.5+00"}', '{sad,"it''s \"odd\"",NULL,""}',
    ARRAY[ROW(1, 'x,"y"'), NULL, ROW(NULL, NULL)]::pair[], '{"[1,5)",empty,"(,)"}', '{a,"\"",NULL}',
    '{t,f,NULL}', '{"1 day","-00:00:01"}', '{a,"b c"}', ARRAY[ROW(1, '')]::pair[],
    ARRAY['(1,2)', NULL]::point[], '{(1,1),(0,0);(2,2),(1,1)}');
INSERT INTO t_odd_arrays DEFAULT VALUES;
CREATE TABLE t_ranges (a int4range, b int8range, c numrange, d tsrange, e tstzrange, f daterange,
    g text_range);
INSERT INTO t_ranges VALUES ('empty', '(,)', '[1.10,2.0)', '[-infinity,infinity]',
    '["2026-01-01 00:00+00",)', '[2026-01-01,2026-01-31]', '["a","b,c"]'), ('[1,5]', '(,5)',
    '(NaN,NaN]', 'empty', '(,"2026-06-01 12:00+02"]', '(,)', '["","\""]'), (NULL, NULL, NULL, NULL,
    NULL, NULL, NULL);
CREATE TABLE t_multiranges (a int4multirange, b nummultirange, c tstzmultirange);
INSERT INTO t_multiranges VALUES ('{}', '{[1,2),(3,4]}', '{["2026-01-01 0:0+0","2026-02-01 0:0+0")}'),
    ('{[1,3),[5,7)}', '{(,)}', '{}'), (NULL, NULL, NULL);
CREATE TABLE t_enums (a mood PRIMARY KEY, b mood DEFAULT 'ok');
INSERT INTO t_enums SELECT unnest(enum_range(NULL::mood));
CREATE TABLE t_domains (a positive, b never_null, c pairs);
INSERT INTO t_domains VALUES (5, '', NULL), (NULL, 'x', ARRAY[ROW(1, NULL)]::pair[]);
CREATE TABLE t_composites (a pair, b nest);
INSERT INTO t_composites VALUES (ROW(NULL, NULL), NULL), (NULL, ROW(NULL, NULL, NULL)), (ROW(1, ''),
    ROW(ROW(2, E'q"\\,)('), ARRAY[ROW(3, NULL), NULL]::pair[], 1.10)), (ROW(1, E'\n'), ROW(ROW(NULL,
    NULL), '{}', 'NaN'));
CREATE TABLE t_shapes (a point, b line, c lseg, d box, e path, f polygon, g circle);
INSERT INTO t_shapes VALUES ('(1.1,-0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]',
    '((0,0),(1,1),(2,0))', '<(0,0),5>'), ('(NaN,Infinity)', NULL, NULL, NULL, '((0,0),(1,1))', NULL,
    '<(1e300,0),1e-300>');
CREATE TABLE t_searches (a tsvector, b tsquery);
INSERT INTO t_searches VALUES ('a:1A,2B cat:3 ''it''''s'':4 ''\\\\'':5', '''a'' & !b <-> c:*A | ''x y'''),
    ('', ''), (NULL, NULL);
CREATE TABLE t_system (a oid, b regclass, c regproc, d regtype, e regrole, f xid, g xid8, h tid,
    i pg_lsn, j pg_snapshot, k regprocedure, l regnamespace, m cid);
INSERT INTO t_system VALUES (4294967295, 't_texts', 'pg_catalog.now', 'numeric', 'awkward_reader', '4294967295',
    '18446744073709551615', '(4294967295,65535)', 'FFFFFFFF/FFFFFFFF', '10:20:10,14,15',
    'pg_catalog.length(text)', 'odd', '1'), (0, '"Schema ""quoted"".dot"."Table"', NULL, 'mood[]',
    '"awkward Owner"', NULL, NULL, NULL, NULL, NULL, NULL, '"select"', NULL);
