#!/bin/sh
# Says what is missing for `make setup`, and the one command of this system that mends it.
# Usage: remedy.sh [PYTHON_WITHOUT_VENV]
set -eu
without_venv=${1:-}
as_root="sudo "
[ "$(id -u)" != 0 ] || as_root=

has() {
    command -v "$1" >/dev/null 2>&1
}

if [ -n "$without_venv" ]; then
    version=$("$without_venv" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    echo "Python $version is here, but not its venv module. This mends it:"
else
    version=
    echo "listbackup needs Python 3.11 or newer, and there is none here. This mends it:"
fi

command=
if [ "$(uname -s)" = Darwin ] && has brew; then
    command="brew install python@3.13"
elif has apt-get; then
    if [ -z "$(apt-cache show python3 2>/dev/null)" ]; then # a fresh system: no lists yet
        command="${as_root}apt-get update && ${as_root}apt-get install -y python${version:-3}-venv"
    fi
    # Else the newest that this release of Debian or Ubuntu offers; older ones offer none.
    for offered in ${version:-3.14 3.13 3.12 3.11}; do
        if [ -n "$(apt-cache show "python$offered-venv" 2>/dev/null)" ]; then
            command="${as_root}apt-get install -y python$offered-venv"
            break
        fi
    done
elif has dnf; then
    command="${as_root}dnf install -y python3.11"
elif has zypper; then
    command="${as_root}zypper install -y python311"
fi
# uv brings a Python of its own, which stays inside this directory.
[ -n "$command" ] || command="curl -LsSf https://astral.sh/uv/install.sh | sh"
echo "    $command"
echo "Then run the same make command again."
