#!/bin/sh
# `backup` dumps the database into the volume that is backed up; `restore` puts that dump in the place of what is there.
set -eu
dump=/dumps/notes.sql.gz

case "${1-}" in
  backup)
    pg_dump -U postgres -Z 6 -f "$dump.new" notes
    mv "$dump.new" "$dump"
    ;;
  restore)
    gzip -t "$dump"
    psql -X -q -U postgres -v ON_ERROR_STOP=1 postgres <<SQL
select pg_terminate_backend(pid) from pg_stat_activity where datname = 'notes' and pid <> pg_backend_pid() \g /dev/null
drop database if exists notes with (force);
create database notes owner notes;
SQL
    gzip -dc "$dump" | psql -X -q -U postgres -v ON_ERROR_STOP=1 --single-transaction -o /dev/null notes
    ;;
  *)
    echo "usage: $0 backup|restore" >&2
    exit 2
    ;;
esac
