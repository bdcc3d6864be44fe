#!/bin/sh
# The commands you would type to take an app like static-site through install, upgrade, backup, disaster, restore and
# teardown: they make the same engine calls as a run, and wait where that is necessary.
# sh app.sh REPOSITORY OLDER_COMMIT NEWER_COMMIT STACK TOOLS_IMAGE
set -eu
repo=$1 older=$2 newer=$3 stack=$4 tools=$5
work=$(mktemp -d)
volume=${stack}_content vault=${stack}-vault
tidy() { # removes what a failure leaves behind
  rm -rf "$work"
  docker stack rm "$stack"
  until [ -z "$(docker ps --all --quiet --filter "label=com.docker.stack.namespace=$stack")" ]; do sleep 0.25; done
  docker volume rm --force "$volume" "$vault"
}
trap 'tidy >/dev/null 2>&1' EXIT

until_is() { # $1: the expected output; the rest: a command
  wanted=$1
  shift
  until [ "$("$@" 2>/dev/null)" = "$wanted" ]; do sleep 0.25; done
}
stands() { # $1: image. Waits for a running, healthy task and the end of the update, then two seconds more.
  until_is "$1 Running" sh -c "docker service ps --filter desired-state=running --format '{{.Image}} {{.CurrentState}}' ${stack}_app | cut -d' ' -f1,2"
  until docker service inspect --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{else}}none{{end}}' "${stack}_app" | grep -qE 'completed|none'; do sleep 0.25; done
  sleep 2
}
deploy() { # $1: commit, $2: image
  rm -rf "$work"/*
  git -C "$repo" archive "$1" | tar -x -C "$work"
  (
    cd "$work"
    set -a
    . ./.env.sample
    . ./abra.sh
    STACK_NAME=$stack DOMAIN=$stack.test docker stack deploy --resolve-image never --compose-file compose.yml "$stack" >/dev/null
  )
  stands "$2"
}
restic() { # in a container without network, with the volume and the repository mounted
  docker run --rm --network none --volume "$volume:/data" --volume "$vault:/vault" --env RESTIC_PASSWORD=by-hand \
    --entrypoint restic "$tools" --repo /vault --no-cache "$@" >/dev/null
}
scale() { # $1: replicas
  docker service scale --detach "${stack}_app=$1" >/dev/null
}

deploy "$older" coldpass-test/static-site:1.0
deploy "$newer" coldpass-test/static-site:1.1
restic init
restic backup /data
scale 0
until_is '' docker ps --quiet --filter "label=com.docker.stack.namespace=$stack"
docker run --rm --network none --volume "$volume:/data" --entrypoint busybox "$tools" \
  sh -c 'busybox rm -rf /data/* /data/.[!.]*'
restic restore latest --target /
scale 1
stands coldpass-test/static-site:1.1
docker stack rm "$stack" >/dev/null
until_is '' docker ps --all --quiet --filter "label=com.docker.stack.namespace=$stack"
until_is '' docker network ls --quiet --filter "label=com.docker.stack.namespace=$stack"
docker volume rm "$volume" "$vault" >/dev/null
