#!/usr/bin/env bash
# Slims two programs on real data: `bash examples/demo.sh FOLDER_OF_LOWTIDE WORKING_FOLDER`; `make demo` calls it.
set -euo pipefail
bin=$1 work=$2 here=$(dirname "$0")
rows=3000000
orders=$work/orders.csv

mkdir -p "$work"
if [ ! -e "$orders" ]; then
    echo "Writing $rows orders into $orders ..."
    "$bin/python" "$here/make_orders.py" "$orders.part" "$rows"
    mv "$orders.part" "$orders"
fi
ls -l "$orders"

slim() {
    printf '\n$ lowtide slim %s\n' "$*"
    "$bin/lowtide" slim --python "$bin/python" "$@"
}

slim "$here/whole_file_read.py" "$orders"
slim "$here/collected_results.py"
