#!/bin/sh
# Looks at the list of goods: each line needs a name and a price. With --strict the first bad line is an error.
cd "$(dirname "$0")" || exit
bad=$(tail -n +2 catalog/goods/goods.csv | grep -vnE '^[a-z ]+,[0-9]+$')
[ -z "$bad" ] && echo 'all goods have a name and a price' && exit
echo "not a name and a price: $bad"
[ "${1:-}" != --strict ]
