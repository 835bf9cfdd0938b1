#!/usr/bin/env bash
# How does Kafka get here without Docker? Copies its jars by Maven into the folder named by the first argument.
# The folder appears only when it is whole.
set -euo pipefail
target=$(realpath -m "$1")
cd "$(dirname "$0")"
part=$target.part
echo "Fetching Kafka's jars by Maven."
rm -rf "$part" "$target"
if ! said=$(mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$part" 2>&1); then
    echo "$said" >&2
    echo "Maven could not fetch Kafka's jars; look at the first ERROR line above, and run the same command again." >&2
    exit 1
fi
mv "$part" "$target"
