#!/bin/sh
# MariaDB with one database and its user, made at the first start. The marker is written last: what an interrupted first
# start left is thrown away, so no later start comes up healthy without its database.
set -eu
: "${MARIADB_DATABASE:?}" "${MARIADB_USER:?}"
data=/var/lib/mysql
marker=$data/initialised

mkdir -p /run/mysqld
chown mysql: /run/mysqld "$data"
if [ ! -e "$marker" ]; then
  find "$data" -mindepth 1 -delete
  mariadb-install-db --user=mysql --datadir="$data" --skip-test-db --auth-root-authentication-method=socket >/dev/null
  password=$(cat /run/secrets/db_password)
  mariadbd --bootstrap --user=mysql --datadir="$data" --log-error="$data/first-start.log" <<SQL
flush privileges;
create database $MARIADB_DATABASE character set utf8mb4;
create user '$MARIADB_USER'@'%' identified by '$password';
grant all on $MARIADB_DATABASE.* to '$MARIADB_USER'@'%';
SQL
  touch "$marker"
  echo "made the database $MARIADB_DATABASE"
fi
exec mariadbd --user=mysql --datadir="$data" --bind-address=0.0.0.0 --skip-name-resolve --log-error=
