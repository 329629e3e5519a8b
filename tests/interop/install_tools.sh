#!/usr/bin/env bash
# Installs what some tests need and a laptop may lack. Each part that cannot be
# had here is named; its tests then skip and say so.
set -uo pipefail
cd "$(dirname "$0")/../.."
root=$PWD
missing=()

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi; }

if command -v apt-get >/dev/null; then
    packages=(bubblewrap iptables libfaketime apertium apertium-eng-spa apertium-es-pt apertium-fr-es apertium-eng-cat apertium-por-cat)
    dpkg -s "${packages[@]}" >/dev/null 2>&1 || {
        as_root apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"
    } >/dev/null || missing+=("Debian packages: ${packages[*]}")
else
    missing+=("apt-get, for Apertium")
fi

browser() { command -v google-chrome chromium chromium-headless-shell | head -n 1; }
if [ -z "$(browser)" ] && command -v apt-get >/dev/null; then
    as_root apt-get update -qq >/dev/null
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null 2>&1
fi
[ -n "$(browser)" ] || missing+=("Chromium, to read the documentation pages in")

if command -v npm >/dev/null; then
    (cd tests/interop && npm ci --silent --no-audit --no-fund --ignore-scripts) || missing+=("Node modules")
else
    missing+=("npm, for the Node client")
fi

if command -v go >/dev/null; then
    test -x "$root/.ci-tools/grpcurl" ||
        GOBIN="$root/.ci-tools" go install github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3 ||
        missing+=("grpcurl")
else
    missing+=("go, for grpcurl")
fi

for name in "${missing[@]}"; do echo "not installed: $name"; done
# In CI everything must be there: a skipped test there would prove nothing.
if [ "${CI:-}" = true ] && [ ${#missing[@]} -gt 0 ]; then exit 1; fi
exit 0
