#!/bin/sh
# Resolves requirements/*.txt for every supported Python and platform at once, with hashes and
# without naming any index, so that a mirror serves as well as the public one.
set -eu
cd "$(dirname "$0")/.."
command -v uv >/dev/null || {
    echo "make lock needs uv on the PATH." >&2
    exit 1
}
lock() {
    output=$1
    shift
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --no-header --output-file "$output" "$@" \
        pyproject.toml requirements/build.in requirements/platforms.in
}
lock requirements/run.txt
lock requirements/dev.txt --constraints requirements/run.txt requirements/dev.in
