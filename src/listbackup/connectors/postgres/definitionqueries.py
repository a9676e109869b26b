"""The catalog queries behind `definitions.py`: each gives (kind, name, definition) per object.

Nothing in a definition depends on OIDs, physical order or what a dump does not carry. Expressions
come raw, as the server writes them; `definitions.py` brings them into one form. A definition is
cut by U+001F into exact text before it and expressions after it. Left out is the column option
`pg_attver`, which some builds of the server keep for themselves and number anew.
"""

from collections.abc import Collection

from listbackup.connectors.postgres.catalog import USER_SCHEMAS

FIRST_USER_OID = 16384
BARRED = "$BARRED$"
"""Holds the place of the OIDs of relations that must not be touched, joined by commas."""


def _own(catalog: str, oid: str) -> str:
    return f"""NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass
        AND e.objid = {oid} AND e.objsubid = 0 AND e.deptype = 'e')"""


RELATION = "format('%I.%I', n.nspname, c.relname)"
OWN_RELATION = f"""{USER_SCHEMAS} AND c.relpersistence <> 't' AND {_own("pg_class", "c.oid")}
    AND c.oid <> ALL ('{{{BARRED}}}'::oid[])"""
TABLES = f"""pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND {OWN_RELATION}"""

SCHEMAS = f"""
SELECT 'schema', quote_ident(n.nspname), '' FROM pg_namespace n
WHERE {USER_SCHEMAS} AND n.nspname <> 'public' AND {_own("pg_namespace", "n.oid")}
"""

EXTENSIONS = """
SELECT 'extension', quote_ident(e.extname), n.nspname
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
"""

RELATIONS = f"""
SELECT 'relation', {RELATION}, concat_ws(' ', c.relkind, c.relpersistence, am.amname,
    CASE WHEN c.relkind = 'm' THEN 'populated ' || c.relispopulated END,
    CASE WHEN c.reloftype <> 0 THEN 'of ' || c.reloftype::regtype::text END,
    'rls ' || c.relrowsecurity || c.relforcerowsecurity,
    CASE WHEN c.relkind IN ('r', 'p') THEN 'identity ' || c.relreplident::text END,
    (SELECT 'with ' || string_agg(o, ',' ORDER BY o) FROM unnest(c.reloptions) o),
    (SELECT 'under ' || string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
     FROM pg_inherits i WHERE i.inhrelid = c.oid),
    CASE WHEN c.relispartition OR NOT EXISTS (
            SELECT FROM pg_inherits i WHERE i.inhrelid = c.oid) THEN
        (SELECT 'columns ' || string_agg(quote_ident(a.attname), ',' ORDER BY a.attnum)
         FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) END,
    (SELECT 'server ' || s.srvname || coalesce(array_to_string(f.ftoptions, ','), '')
     FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
     WHERE f.ftrelid = c.oid)
    ) || E'\\x1f' || concat_ws(' ',
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
FROM {TABLES} LEFT JOIN pg_am am ON am.oid = c.relam AND c.relkind <> 'p'
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'c')
"""

COLUMNS = f"""
SELECT 'column', {RELATION} || '.' || quote_ident(a.attname), concat_ws(' ',
    format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attcollation NOT IN (0, t.typcollation) THEN (
        SELECT k.collname FROM pg_collation k WHERE k.oid = a.attcollation) END,
    CASE WHEN a.attnotnull THEN 'not null' END,
    'identity ' || nullif(a.attidentity::text, ''),
    'generated ' || nullif(a.attgenerated::text, ''),
    (SELECT 'options ' || string_agg(o, ',' ORDER BY o) FROM unnest(a.attoptions) o
     WHERE split_part(o, '=', 1) <> 'pg_attver')
    ) || E'\\x1f' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
FROM {TABLES} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f', 'c')
"""

CONSTRAINTS = f"""
SELECT 'constraint', {RELATION} || ' ' || quote_ident(k.conname),
    k.contype::text || E'\\x1f' || pg_get_constraintdef(k.oid)
FROM {TABLES} JOIN pg_constraint k ON k.conrelid = c.oid
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0
  AND (k.conislocal OR k.coninhcount = 0)
"""

DOMAIN_CONSTRAINTS = f"""
SELECT 'constraint', format('%I.%I %I', n.nspname, t.typname, k.conname),
    E'\\x1f' || pg_get_constraintdef(k.oid)
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid
JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE k.contype = 'c' AND {USER_SCHEMAS} AND {_own("pg_type", "t.oid")}
"""

INDEXES = f"""
SELECT 'index', format('%I.%I', n.nspname, x.relname),
    concat_ws(' ', CASE WHEN i.indisclustered THEN 'clustered' END,
              CASE WHEN i.indisreplident THEN 'replica identity' END)
    || E'\\x1f' || pg_get_indexdef(i.indexrelid)
FROM {TABLES} JOIN pg_index i ON i.indrelid = c.oid JOIN pg_class x ON x.oid = i.indexrelid
WHERE i.indisvalid OR c.relkind = 'p'
"""

TYPES = f"""
SELECT 'type', format('%I.%I', n.nspname, t.typname), concat_ws(' ', t.typtype,
    (SELECT string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder)
     FROM pg_enum e WHERE e.enumtypid = t.oid),
    CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
    CASE WHEN t.typnotnull THEN 'not null' END,
    (SELECT concat_ws(' ', format_type(r.rngsubtype, NULL), r.rngcanonical::regproc,
                      r.rngsubdiff::regproc)
     FROM pg_range r WHERE r.rngtypid = t.oid)) || E'\\x1f' || coalesce(t.typdefault, '')
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {USER_SCHEMAS} AND t.typtype IN ('b', 'd', 'e', 'r', 'm') AND {_own("pg_type", "t.oid")}
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
"""

ROUTINES = """
SELECT 'routine', p.oid::regprocedure::text, concat_ws(' ', p.prokind, l.lanname,
    p.provolatile, p.proparallel, p.proisstrict, p.prosecdef, p.proleakproof, p.procost, p.prorows,
    CASE WHEN p.prosupport <> 0 THEN p.prosupport::regproc END,
    (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(p.proconfig) o),
    pg_get_function_result(p.oid), p.probin, p.prosrc,
    CASE WHEN p.prokind = 'a' THEN (
        SELECT concat_ws(' ', a.aggkind, a.aggtransfn, a.aggfinalfn, a.aggcombinefn,
            a.aggserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn,
            format_type(a.aggtranstype, NULL), a.agginitval, a.aggminitval, a.aggsortop::regoper)
        FROM pg_aggregate a WHERE a.aggfnoid = p.oid) END
    ) || E'\\x1f' || pg_get_function_arguments(p.oid) || {body}
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
WHERE {schemas} AND {own}
"""

TRIGGERS = f"""
SELECT 'trigger', {RELATION} || ' ' || quote_ident(t.tgname),
    t.tgenabled::text || E'\\x1f' || pg_get_triggerdef(t.oid)
FROM {TABLES} JOIN pg_trigger t ON t.tgrelid = c.oid
WHERE NOT t.tgisinternal AND NOT EXISTS (
    SELECT FROM pg_depend d WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
    AND d.refclassid = 'pg_trigger'::regclass AND d.deptype IN ('P', 'S', 'I'))
"""

RULES = f"""
SELECT 'rule', {RELATION} || ' ' || quote_ident(r.rulename),
    r.ev_enabled::text || E'\\x1f' || pg_get_ruledef(r.oid)
FROM {TABLES} JOIN pg_rewrite r ON r.ev_class = c.oid WHERE r.rulename <> '_RETURN'
"""

POLICIES = f"""
SELECT 'policy', {RELATION} || ' ' || quote_ident(p.polname), concat_ws(' ',
    p.polcmd, p.polpermissive, (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE
        quote_ident(pg_get_userbyid(r)) END, ',' ORDER BY pg_get_userbyid(r))
     FROM unnest(p.polroles) r)
    ) || E'\\x1f' || concat_ws(' check ', pg_get_expr(p.polqual, p.polrelid),
                               pg_get_expr(p.polwithcheck, p.polrelid))
FROM {TABLES} JOIN pg_policy p ON p.polrelid = c.oid
"""

SEQUENCES = f"""
SELECT 'sequence', {RELATION}, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart,
    s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle, c.relpersistence,
    (SELECT d.deptype::text || ' ' || d.refobjid::regclass::text || '.' || quote_ident(a.attname)
     FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')))
FROM {TABLES} JOIN pg_sequence s ON s.seqrelid = c.oid
"""

STATISTICS = f"""
SELECT 'statistics', format('%I.%I', n.nspname, s.stxname),
    E'\\x1f' || pg_get_statisticsobjdef(s.oid)
FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {USER_SCHEMAS}
"""

PUBLICATIONS = f"""
SELECT 'publication', quote_ident(p.pubname), concat_ws(' ', p.puballtables, p.pubinsert,
    p.pubupdate, p.pubdelete, p.pubtruncate, p.pubviaroot,
    (SELECT string_agg(r.prrelid::regclass::text, ',' ORDER BY r.prrelid::regclass::text)
     FROM pg_publication_rel r WHERE r.prpubid = p.oid))
FROM pg_publication p WHERE {_own("pg_publication", "p.oid")}
"""

EVENT_TRIGGERS = f"""
SELECT 'event trigger', quote_ident(t.evtname), concat_ws(' ', t.evtevent, t.evtenabled,
    t.evtfoid::regprocedure, array_to_string(t.evttags, ','))
FROM pg_event_trigger t WHERE {_own("pg_event_trigger", "t.oid")}
"""

NAMED_ONLY = (
    "pg_am pg_cast pg_collation pg_conversion pg_foreign_data_wrapper pg_foreign_server "
    "pg_language pg_opclass pg_operator pg_opfamily pg_transform pg_ts_config pg_ts_dict "
    "pg_ts_parser pg_ts_template pg_user_mapping"
).split()


def _identify(catalog: str) -> str:
    return f"""
SELECT (pg_identify_object('{catalog}'::regclass, o.oid, 0)).type,
       (pg_identify_object('{catalog}'::regclass, o.oid, 0)).identity, ''
FROM {catalog.replace("pg_user_mapping", "(SELECT umid AS oid FROM pg_user_mappings)")} o
WHERE o.oid >= {FIRST_USER_OID} AND {_own(catalog, "o.oid")}
"""


COMMENTS = f"""
SELECT 'comment', i.type || ' ' || i.identity, d.description
FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= {FIRST_USER_OID}
  AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_largeobject'::regclass)
  AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classoid AND e.objid = d.objoid
                  AND e.deptype = 'e')
"""

OWNERS = f"""
SELECT 'owner', {RELATION}, pg_get_userbyid(c.relowner) FROM {TABLES}
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
UNION ALL
SELECT 'owner', 'schema ' || quote_ident(n.nspname), pg_get_userbyid(n.nspowner)
FROM pg_namespace n
WHERE {USER_SCHEMAS} AND n.nspname <> 'public' AND {_own("pg_namespace", "n.oid")}
UNION ALL
SELECT 'owner', 'routine ' || p.oid::regprocedure::text, pg_get_userbyid(p.proowner)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {USER_SCHEMAS} AND {_own("pg_proc", "p.oid")}
UNION ALL
SELECT 'owner', format('type %I.%I', n.nspname, t.typname), pg_get_userbyid(t.typowner)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE {USER_SCHEMAS} AND t.typtype IN ('b', 'd', 'e', 'r') AND {_own("pg_type", "t.oid")}
  AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)
"""

_EXPLODED = """(SELECT string_agg(concat_ws(' ', CASE WHEN a.grantee = 0 THEN 'public' ELSE
    quote_ident(pg_get_userbyid(a.grantee)) END, a.privilege_type,
    CASE WHEN a.is_grantable THEN 'grantable' END), ','
    ORDER BY pg_get_userbyid(a.grantee), a.privilege_type, a.is_grantable) FROM aclexplode({}) a)"""

_RELATION_RIGHTS = (
    "coalesce(c.relacl, acldefault(CAST(CASE WHEN c.relkind = 'S' THEN 's' ELSE 'r' END"
    ' AS "char"), c.relowner))'
)

GRANTS = f"""
SELECT 'grant', {RELATION}, coalesce({_EXPLODED.format(_RELATION_RIGHTS)}, '')
FROM {TABLES} WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S')
UNION ALL
SELECT 'grant', {RELATION} || '.' || quote_ident(t.attname), {_EXPLODED.format("t.attacl")}
FROM {TABLES} JOIN pg_attribute t ON t.attrelid = c.oid
WHERE t.attacl IS NOT NULL AND t.attacl <> '{{}}' AND NOT t.attisdropped
UNION ALL
SELECT 'grant', 'schema ' || quote_ident(n.nspname),
    coalesce({_EXPLODED.format("coalesce(n.nspacl, acldefault('n', n.nspowner))")}, '')
FROM pg_namespace n WHERE {USER_SCHEMAS} AND {_own("pg_namespace", "n.oid")}
UNION ALL
SELECT 'grant', 'routine ' || p.oid::regprocedure::text,
    coalesce({_EXPLODED.format("coalesce(p.proacl, acldefault('f', p.proowner))")}, '')
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE {USER_SCHEMAS} AND {_own("pg_proc", "p.oid")}
UNION ALL
SELECT 'grant', concat_ws(' ', 'default', pg_get_userbyid(d.defaclrole),
        d.defaclnamespace::regnamespace, d.defaclobjtype),
    coalesce({_EXPLODED.format("d.defaclacl")}, '')
FROM pg_default_acl d
"""


def list_queries(server_version: int, barred: Collection[int]) -> list[str]:
    """Give the queries for a `server_version_num`, none of them with parameters; relations whose
    OIDs are `barred` are passed over, because what their definitions ask for is locked."""
    body = "coalesce(pg_get_function_sqlbody(p.oid), '')" if server_version >= 140000 else "''"
    routines = ROUTINES.format(body=body, schemas=USER_SCHEMAS, own=_own("pg_proc", "p.oid"))
    publications = PUBLICATIONS
    if server_version < 130000:
        publications = publications.replace("p.pubviaroot,", "")
    queries = [
        SCHEMAS,
        EXTENSIONS,
        RELATIONS,
        COLUMNS,
        CONSTRAINTS,
        DOMAIN_CONSTRAINTS,
        INDEXES,
        TYPES,
        routines,
        TRIGGERS,
        RULES,
        POLICIES,
        SEQUENCES,
        STATISTICS,
        publications,
        EVENT_TRIGGERS,
        *(_identify(catalog) for catalog in NAMED_ONLY),
        COMMENTS,
        OWNERS,
        GRANTS,
    ]
    oids = ",".join(str(int(oid)) for oid in barred)
    return [query.replace(BARRED, oids) for query in queries]
