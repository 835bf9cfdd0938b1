#!/usr/bin/env bash
# How does a bare clone get its Python environment? Builds .venv anew from the lock file, with hashes.
set -euo pipefail
cd "$(dirname "$0")/../.."
python=${PYTHON:-python3}
if ! "$python" -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null; then
    echo "gridcall needs Python 3.11 or 3.12 with venv: run 'apt-get install python3-venv', or name one by 'make PYTHON=…'." >&2
    exit 1
fi
echo "Building .venv from deploy/local/requirements.lock."
rm -f .venv/.complete
"$python" -m venv --clear .venv
.venv/bin/pip --quiet --disable-pip-version-check install --require-hashes -r deploy/local/uv.lock
install() { .venv/bin/uv pip install --quiet --python .venv/bin/python "$@"; }
install --require-hashes -r deploy/local/requirements.lock
install --no-deps --no-build-isolation --editable .
touch .venv/.complete
