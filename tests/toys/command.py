"""`count`."""

from typing import Annotated

from cyclopts import Parameter

from listbackup.cli.options import OutputOptions
from listbackup.cli.output import open_output
from listbackup.cli.words import plural, size
from listbackup.operations.counting import count_objects


def count(
    url: Annotated[str, Parameter(name="URL", help="A directory or s3://bucket/prefix.")],
    /,
    *,
    output: OutputOptions = OutputOptions(),  # noqa: B008
) -> int:
    """Count what a store holds."""
    with open_output(output.json) as out:
        counted = count_objects(out.app, url)
        out.show(
            "counted", counted, [f"{plural(counted.objects, 'object')}, {size(counted.bytes)}"]
        )
    return 0
