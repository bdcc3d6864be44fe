#!/bin/sh
# Hands the client's secret to the app, which takes it from its environment.
set -eux
OIDC_CLIENT_SECRET=$(cat /run/secrets/oidc_client_secret)
export OIDC_CLIENT_SECRET
exec node /app/server.mjs
