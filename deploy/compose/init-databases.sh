#!/bin/bash
# Run once by the postgres image, on an empty data volume: a role and a schema for each service.
set -euo pipefail

for service in ingest scoring feedback notify; do
  psql --set=ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname bellwether \
    --set=role="bellwether_$service" --set=schema="$service" \
    --set=password="$BELLWETHER_SERVICE_PASSWORD" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
ALTER ROLE :"role" SET search_path = :"schema";
CREATE SCHEMA :"schema" AUTHORIZATION :"role";
SQL
done
