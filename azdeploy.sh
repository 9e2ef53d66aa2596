#!/bin/sh
# Deploys the database to Azure: starts `manage.py azdeploy` with the same arguments.
# Without arguments it shows a menu. See docs/azure.md.
set -eu

folder=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

for python in "$folder/.venv/bin/python" "$folder/.venv/Scripts/python.exe"; do
    if [ -x "$python" ]; then
        exec "$python" "$folder/manage.py" azdeploy "$@"
    fi
done

echo "The project's Python is not set up. Run: make install" >&2
echo "or: python3 install.py requirements.txt" >&2
exit 1
