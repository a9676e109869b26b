"""The types that a part's columns can have, and when a text is a value of one: SQL for DuckDB.

DuckDB's casts take more than a database writes: they round, read `infinity` as a date, take `0x10`
and `1_000` for numbers. So there are two ways to a typed value. The *careful* one casts a text and
accepts the value where that is proven to say the same: mostly, that it is written back as the same
text. The *quick* one relies on how PostgreSQL writes the type under the pinned settings, lets the
scanner parse where it can, and looks only for what is known to be taken too easily.
"""

from dataclasses import dataclass, replace

FLOAT = "'-?[0-9]+(\\.[0-9]+)?(e[+-]?[0-9]+)?|NaN|-?Infinity'"
ELEMENTS = r"""'"(?:[^"\\]|\\["\\])*"|[^{},"]+'"""
STRANGE = ("''''", "'['", "']'", "'('", "')'")
"""What DuckDB's own reader of lists may take for something else, outside of quotes."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to a value: `cast` gives it from the text `{t}`, null where there is none; `proof`
    is what must hold of it, `{v}`, and of the text. Empty: any text is a value, unchanged; any
    value is one."""

    cast: str = ""
    proof: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One type: its name in SQL, the careful and the quick way, and whether the quick way starts
    from what the scanner parsed as the type, instead of from text."""

    sql: str
    careful: Way = Way()
    quick: Way = Way()
    scanned: bool = False

    def value(self, text: str) -> str:
        """Write the careful value of a text in one expression."""
        if not self.careful.cast:
            return text
        cast = replace_marks(self.careful.cast, text)
        proof = replace_marks(self.careful.proof, text, cast)
        return f"CASE WHEN {proof} THEN {cast} END" if proof else cast


def replace_marks(template: str, text: str, value: str = "") -> str:
    """Put expressions for `{t}` and `{v}` into a template."""
    return template.replace("{v}", value).replace("{t}", text)


def _cast(sql: str) -> str:
    return f"TRY_CAST({{t}} AS {sql})"


SAME = "CAST({v} AS VARCHAR) = {t}"
FINITE = "NOT isinf({v})"

TEXT = Kind("VARCHAR")
BOOLEAN = Kind("BOOLEAN", Way("CASE {t} WHEN 't' THEN true WHEN 'f' THEN false END"), scanned=True)
UUID = Kind("UUID", Way(_cast("UUID"), SAME), scanned=True)
TIME = Kind(
    "TIME",
    Way(_cast("TIME"), SAME + " AND {t} < '24'"),
    Way("", "{v} < CAST('24:00:00' AS TIME)"),
    scanned=True,
)


def _moment(sql: str) -> Kind:
    # not scanned: the scanner takes what stands before ` BC` for a date of our era, and the cast
    # to TIMESTAMP takes BC for a time zone
    ours = f"{FINITE} AND NOT ends_with({{t}}, 'BC')"
    return Kind(sql, Way(_cast(sql), f"{SAME} AND {FINITE}"), Way(_cast(sql), ours))


DATE = _moment("DATE")
TIMESTAMP = _moment("TIMESTAMP")
TIMESTAMPTZ = _moment("TIMESTAMPTZ")
_UNHEX = (
    "CASE WHEN starts_with({t}, '\\x') AND strlen({t}) % 2 = 0 THEN TRY(unhex(substr({t}, 3))) END"
)
BLOB = Kind("BLOB", Way(_UNHEX), Way(_UNHEX))


def integer(sql: str) -> Kind:
    """Make the kind of an integer type."""
    return Kind(sql, Way(_cast(sql), SAME), scanned=True)


def floating(sql: str) -> Kind:
    """Make the kind of a binary floating point type; NaN and infinities are values of it."""
    proof = f"regexp_full_match({{t}}, {FLOAT}) AND ({FINITE} OR contains({{t}}, 'I'))"
    return Kind(sql, Way(_cast(sql), proof), scanned=True)


def decimal(precision: int, scale: int, *, declared: bool) -> Kind:
    """Make the kind of decimals; of `declared` ones every value has just these digits."""
    sql = f"DECIMAL({precision}, {scale})"
    fraction = f"[0-9]{{1,{scale}}}0*" if scale else "0+"
    exact = f"regexp_full_match({{t}}, '-?[0-9]+(\\.{fraction})?')"
    careful = Way(_cast(sql), exact)
    return Kind(sql, careful, Way() if declared else careful, scanned=declared)


_FLAT = "starts_with({t}, '{') AND NOT starts_with({t}, '{{')"
_PARTS = (
    f"list_transform(regexp_extract_all({{t}}, {ELEMENTS}), lambda e: CASE"
    " WHEN starts_with(e, '\"') THEN replace(replace(replace(substr(e, 2, length(e) - 2),"
    r" '\\', chr(0)), '\', ''), chr(0), '\') WHEN e = 'NULL' THEN NULL ELSE e END)"
)
_INNER = "substr({t}, 2, length({t}) - 2)"


def array(element: Kind) -> Kind:
    """Make the kind of one-dimensional arrays, from PostgreSQL's text of them; others, and those
    with bounds of their own, have no value of it."""
    if element == TEXT:
        strange = " OR ".join([f"contains({{t}}, {mark})" for mark in STRANGE])
        listed = f"TRY_CAST('[' || {_INNER} || ']' AS VARCHAR[])"
        quick = f"CASE WHEN NOT ({_FLAT}) THEN NULL WHEN {strange} THEN {_PARTS} ELSE {listed} END"
        return Kind("VARCHAR[]", Way(f"CASE WHEN {_FLAT} THEN {_PARTS} END"), Way(quick))
    typed = f"list_transform({_PARTS}, lambda e: {element.value('e')})"
    whole = f"{_FLAT} AND list_aggregate({{v}}, 'count') = list_aggregate({_PARTS}, 'count')"
    careful = Way(f"CASE WHEN {_FLAT} THEN {typed} END", whole)
    return Kind(f"{element.sql}[]", careful, careful)


def array_of_plain(element: Kind) -> Kind:
    """Make the kind of arrays whose elements need no quotes: numbers and the like."""
    typed = (
        f"list_transform(string_split({_INNER}, ','),"
        f" lambda e: CAST(nullif(e, 'NULL') AS {element.sql}))"
    )
    quick = f"CASE WHEN {{t}} = '{{}}' THEN [] WHEN {_FLAT} THEN {typed} END"
    return replace(array(element), quick=Way(quick))
