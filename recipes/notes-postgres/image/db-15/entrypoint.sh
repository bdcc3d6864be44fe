#!/bin/sh
# Postgres with one database and its owner, made at the first start. The marker is written last: what an interrupted first
# start left is thrown away, so no later start comes up healthy without its database.
set -eu
: "${POSTGRES_DB:?}" "${POSTGRES_USER:?}"
top=/var/lib/postgresql/data
data=$top/15
marker=$top/initialised
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

install -d -o postgres -g postgres /run/postgresql
if [ ! -e "$marker" ]; then
  rm -rf "$data"
  mkdir -p "$data"
  chown postgres: "$top" "$data"
  as_postgres initdb --no-sync --auth-local=trust --auth-host=scram-sha-256 -E UTF8 --locale=C.UTF-8 -D "$data" >/dev/null
  echo "host all all all scram-sha-256" >>"$data/pg_hba.conf"
  as_postgres postgres --single -j -D "$data" postgres >/dev/null <<SQL
create role $POSTGRES_USER login password '$(cat /run/secrets/db_password)';

create database $POSTGRES_DB owner $POSTGRES_USER;

SQL
  touch "$marker"
  echo "made the database $POSTGRES_DB"
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$data" -c listen_addresses='*'
