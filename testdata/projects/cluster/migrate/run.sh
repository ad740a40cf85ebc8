echo "migrating"
echo "migrated"
