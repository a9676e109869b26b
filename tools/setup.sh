#!/bin/sh
# Makes .venv hold exactly what is locked, and this project itself. Usage: setup.sh run|dev
# Everything stays inside the checkout: caches go to .cache. Does nothing when nothing changed.
set -eu
cd "$(dirname "$0")/.."
here=$(pwd -P)
PATH=$PATH:${HOME:-}/.local/bin # where uv's installer puts it
set_name=${1:-run}
lock=requirements/$set_name.txt

# What a download weighs, in MB, on Linux x86-64 (other systems differ by little).
case $set_name in
run) megabytes=105 ;;
dev) megabytes=145 ;;
*)
    echo "usage: setup.sh run|dev" >&2
    exit 2
    ;;
esac

# What the installed state depends on. dev holds all of run, so dev's stamp serves both.
state_of() {
    { echo "$here" && cat pyproject.toml tools/setup.sh "requirements/$1.txt"; } | cksum
}
is_current() {
    [ -x .venv/bin/listbackup ] && .venv/bin/python -c '' 2>/dev/null &&
        [ "$(cat ".venv/.installed-$1" 2>/dev/null)" = "$(state_of "$1")" ]
}
is_current "$set_name" && exit 0
[ "$set_name" = run ] && is_current dev && exit 0

# The newest Python that really runs: a shim on the PATH may name one that is not installed.
is_supported() {
    "$1" -c 'import sys; sys.exit(not sys.version_info >= (3, 11))' >/dev/null 2>&1
}
python=
without_venv=
for candidate in python3.14 python3.13 python3.12 python3.11 python3; do
    if is_supported "$candidate"; then
        if "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
            python=$candidate
            break
        fi
        [ -n "$without_venv" ] || without_venv=$candidate
    fi
done

if [ -z "$python" ] && ! command -v uv >/dev/null 2>&1; then
    sh tools/remedy.sh "$without_venv" >&2
    exit 1
fi

if [ "$set_name" = dev ]; then what="listbackup and its tests"; else what="listbackup"; fi
echo "Installing $what into .venv: a download of about $megabytes MB the first time." >&2

# Pip's or uv's own caches and settings stay in the checkout too.
mkdir -p .cache
PIP_CACHE_DIR=$here/.cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_USER=0
UV_CACHE_DIR=$here/.cache/uv UV_PYTHON_INSTALL_DIR=$here/.cache/python
export PIP_CACHE_DIR PIP_DISABLE_PIP_VERSION_CHECK PIP_NO_INPUT PIP_USER
export UV_CACHE_DIR UV_PYTHON_INSTALL_DIR
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV || true

# Another Python or lock than those of .venv, a moved checkout or a broken one: begin afresh.
made_by="$here ${python:-uv} $(cat requirements/*.txt | cksum)"
if [ "$(cat .venv/.made-by 2>/dev/null)" != "$made_by" ] || ! .venv/bin/python -c '' 2>/dev/null
then
    rm -rf .venv
    if [ -n "$python" ]; then
        "$python" -m venv .venv
    else
        uv venv --quiet --python '>=3.11,<3.15' .venv
    fi
    echo "$made_by" >.venv/.made-by
fi
rm -f .venv/.installed-*

install() {
    if [ -n "$python" ]; then
        .venv/bin/python -m pip install --quiet "$@"
    else
        uv pip install --quiet --python .venv/bin/python "$@"
    fi
}
install --require-hashes -r "$lock"
install --no-deps --no-build-isolation --editable .
state_of "$set_name" >".venv/.installed-$set_name"
echo "Ready: .venv/bin/listbackup (Python $(.venv/bin/python -c 'import platform
print(platform.python_version())'))" >&2
