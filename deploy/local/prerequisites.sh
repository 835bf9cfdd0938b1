#!/usr/bin/env bash
# Are Java 17 and Maven there? Installs them when root on Debian or Ubuntu, otherwise says how.
set -euo pipefail
missing=()
java -version >/dev/null 2>&1 || missing+=(openjdk-17-jre-headless)
command -v mvn >/dev/null || missing+=(maven)
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "Installing ${missing[*]}."
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update && apt-get -qq -y --no-install-recommends install "${missing[@]}" >/dev/null && exit 0
fi
echo "Kafka needs Java 17 and Maven: run 'sudo apt-get install ${missing[*]}' and then the same make command again." >&2
exit 1
