#!/bin/sh
# Installs Debian's PostgreSQL and its contrib modules, so that the suite has a server that did not
# come from a wheel. Starts no service and makes no cluster run.
# --if-ci: only as root on Debian with CI set, and silently nothing elsewhere.
set -eu

found() {
    ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 &&
        ls /usr/share/postgresql/*/extension/hstore.control >/dev/null 2>&1
}
if [ "${1:-}" = --if-ci ]; then
    [ -n "${CI:-}" ] && [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] || exit 0
    found && exit 0
fi
if [ ! -e /etc/debian_version ]; then
    echo "This knows Debian only. Install your system's PostgreSQL server and contrib modules." >&2
    exit 1
fi
if found; then
    echo "PostgreSQL is installed: $(ls -d /usr/lib/postgresql/*/bin)"
    exit 0
fi
if [ "$(id -u)" != 0 ]; then
    echo "This installs packages, so it has to be root:  sudo make test-deps" >&2
    exit 1
fi

# policy-rc.d with 101 is Debian's way to say: install, but start nothing.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
echo "Installing postgresql and postgresql-contrib (a download of about 20 MB)." >&2
apt-get update -qq
apt-get install -qq -y --no-install-recommends postgresql postgresql-contrib
found
