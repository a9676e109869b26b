"""The media agency's rows, as SQL that makes them on the server: the same at every run.

Placeholders are counts: users, campaigns, items, hits, invoices. Everything odd about a row
follows from its number, so nothing is random and nothing depends on the day.
"""

USERS = r"""
INSERT INTO users (uid, email, name, nickname, tags, profile, address, last_ip, avatar, joined,
                   manager_id)
SELECT md5('user' || i)::uuid,
       'person' || i || '@agency' || i % 40 || '.example',
       (ARRAY['Anna Ågren', 'Bob O''Neill', 'Çelik "Çiço" Öz', E'Dora\tTabb', '李小龍',
              'Ève \ Backslash', '🙂 Emoji', 'مريم'])[1 + i % 8] || ' ' || i,
       CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'nick\N' || i END,
       CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN '{{}}'
            ELSE ARRAY['t' || i % 7, NULL, '', 'a,b', 'q"uote', 'NULL'] END,
       jsonb_build_object('level', i % 9, 'ratio', i / 7.0, 'text', E'line\nbreak "x"',
                          'list', jsonb_build_array(i, NULL, true)),
       CASE WHEN i % 4 = 0 THEN NULL
            ELSE ROW('Street ' || i || ', rear', '', NULL)::postal_address END,
       CASE WHEN i % 6 = 0 THEN '2001:db8::' ELSE '10.0.0.0/8' END::inet + i % 250,
       CASE WHEN i % 10 = 0 THEN decode(repeat(md5('a' || i), 20), 'hex') END,
       timestamptz '2019-02-28 23:59:59.999999+00' + i * interval '7 hours 13 minutes',
       CASE WHEN i > 10 THEN i / 10 END
FROM generate_series(1, {users}) AS i
"""

CAMPAIGNS = r"""
INSERT INTO campaigns (owner_id, status, client, brief, budget, flight, hours, weights, targets,
                       changed)
SELECT 1 + i % {users},
       (enum_range(NULL::campaign_status))[1 + i % 5],
       'Client ' || chr(65 + i % 26) || ' & Söhne',
       CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN ''
            ELSE E'Goals:\r\n\t- "reach" ' || i || E'\n\\.\n- it''s \\N or nothing' END,
       (i * 1234567::bigint % 100000000) / 100.0,
       CASE WHEN i % 50 = 0 THEN 'empty'::daterange WHEN i % 51 = 0 THEN '(,)'
            ELSE daterange(date '2026-01-01' + i % 300, date '2026-02-01' + i % 300 + i % 30) END,
       CASE WHEN i % 3 = 0 THEN tsrange('-infinity', timestamp '2026-05-05' + i * interval '1 s')
            END,
       ARRAY[i / 3.0, 'NaN', '-Infinity', -0.0, 1e-300 * i],
       jsonb_build_object('geo', ARRAY['DE', 'FR'], 'age', jsonb_build_object('min', i % 60)),
       timestamptz '2026-01-01 00:00+00' + i * interval '11 minutes'
FROM generate_series(1, {campaigns}) AS i
"""

LINE_ITEMS = r"""
INSERT INTO line_items (campaign_id, name, format, rate, quantity, days, flags, grid, pause)
SELECT 1 + i % {campaigns},
       'Item ' || i || repeat(' ', i % 3),
       (ARRAY['video', 'banner', 'audio', ''])[1 + i % 4],
       CASE WHEN i % 1000 = 0 THEN 'NaN' ELSE i / 977.0 + 0.10 END,
       i % 100000,
       (i % 128)::bit(7),
       CASE WHEN i % 2 = 0 THEN (i % 16)::bit(4)::bit varying END,
       CASE i % 3 WHEN 0 THEN ARRAY[[i, 1], [2, NULL]] WHEN 1 THEN '[0:1][3:3]={{{{5}},{{6}}}}' END,
       CASE WHEN i % 5 = 0 THEN i * interval '1 mon -3 days 04:05:06.789' END
FROM generate_series(1, {items}) AS i
"""

EVENTS = r"""
INSERT INTO events_2026_{month:02} (id, at, line_item_id, kind, visitor, cost, payload)
SELECT i,
       timestamptz '2026-{month:02}-01 00:00+00' + (i % 2419199) * interval '1.000001 s',
       1000 + 3 * (i % {items}),
       (enum_range(NULL::event_kind))[1 + i % 4],
       CASE WHEN i % 3 <> 0 THEN md5('visitor' || i % 5000)::uuid END,
       CASE WHEN i % 2 = 0 THEN (i % 9973) / 1000.0 END,
       CASE WHEN i % 4 = 0 THEN jsonb_build_object('page', '/p/' || i % 700, 'n', i) END
FROM generate_series({first}::bigint, {last}::bigint) AS i
"""

OTHERS = r"""
INSERT INTO media.assets
SELECT i, 'asset ' || i, chr(65 + i % 26)::"char",
       CASE WHEN i % 7 <> 0 THEN decode(repeat(md5('body' || i), 1 + i % 400), 'hex') END,
       CASE WHEN i <= 5 THEN 900000 + i END
FROM generate_series(1, {assets}) AS i;
SELECT lo_from_bytea(900000 + i, decode(repeat(md5('large' || i), 50000 * i), 'hex'))
FROM generate_series(1, 5) AS i;
INSERT INTO media.raw_hits
SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE 'GET /' || i % 90 || ' "agent"' END, i % 3
FROM generate_series(1, {hits}) AS i;
INSERT INTO "Billing & Co."."Invoices ""final"" (v2); ../../etc"
SELECT 'R-' || nextval('"Billing & Co.".invoice_number'), i * 13.37, date '2026-01-01' + i % 365,
       CASE WHEN i % 2 = 0 THEN E'\t' || i END, CASE i % 3 WHEN 0 THEN true WHEN 1 THEN false END
FROM generate_series(1, {invoices}) AS i;
INSERT INTO "Billing & Co."."Invoices ""final"" (v2); ../../etc"
VALUES ('forever', 0, 'infinity', '', NULL), ('never', 1, '-infinity', NULL, NULL);
"""
