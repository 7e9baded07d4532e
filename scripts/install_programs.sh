#!/bin/sh
# Installs the programs that tests drive and that pip does not bring, as root on Debian. Elsewhere, and where one cannot be had, it says
# which are missing: the tests that need them are skipped. `make test` calls it once.
set -u

has() {
    command -v "$1" > /dev/null
}

lacks() {
    missing="$missing${missing:+, }$1"
    shift
    packages="$packages $*"
}

look() {
    missing=
    packages=
    # The README signs requests with openssl and sends them with curl, as its reader would.
    has curl || lacks curl curl
    has openssl || lacks openssl openssl
    # The pages are proved in a real browser.
    [ -n "${CHROMIUM:-}" ] || has chromium || has chromium-browser || lacks chromium chromium
    # The store is proved on PostgreSQL too. Debian keeps its server out of the PATH.
    set -- /usr/lib/postgresql/*/bin/initdb
    [ -x "$1" ] || lacks PostgreSQL postgresql
    # Samples in PHP and Go are compiled and run; a grammar alone reads them otherwise.
    has php || lacks php php-cli php-curl
    has go || lacks go golang-go
}

look
if [ -n "$missing" ] && [ "$(id -u)" -eq 0 ] && has apt-get; then
    echo "Installing what tests drive: $missing (some minutes)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    for package in $packages; do
        # Each alone: one that cannot be had must not keep the others away.
        apt-get install -qq --yes --no-install-recommends "$package" > /dev/null
    done
    look
fi
if [ -n "$missing" ]; then
    echo "Not installed: $missing. The tests that need them are skipped, and say so. To have them, as root: apt-get install$packages"
fi
