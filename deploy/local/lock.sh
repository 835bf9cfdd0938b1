#!/usr/bin/env bash
# Which exact packages does a clone get? Writes the three lock files, without the address of any registry.
# Usage: lock.sh [--upgrade]
set -euo pipefail
cd "$(dirname "$0")/../.."
uv=${UV:-.venv/bin/uv}
compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-emit-index-url --no-emit-find-links --no-annotate "$@"
}
compile "$@" pyproject.toml -o requirements.lock
compile "$@" pyproject.toml --all-extras --constraint requirements.lock -o deploy/local/requirements.lock
compile "$@" deploy/local/uv.in -o deploy/local/uv.lock
if grep -nE 'https?://|--(extra-)?index-url|--find-links' requirements.lock deploy/local/*.lock; then
    echo "A lock file names the address of a registry; remove it before you commit." >&2
    exit 1
fi
