#!/bin/sh
# Verifies the statements beside this file. Does not need Coldpass, only a POSIX shell with sed, grep and wc, and
# openssl 3.0 or later.
#
#   sh verify.sh [ALLOWED_SIGNERS]
#
# If you give the trail's allowed_signers, it must list the two keys, and they must not be rotated out. Exit 0: every
# statement is what its file name says, is signed by the right key, and rests on exactly the files that it names.
# Exit 1: one is not. Exit 2: the check could not run.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd) || exit 2
command -v openssl > /dev/null || { echo "verify.sh: openssl not found; install it" >&2; exit 2; }
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
type=application/vnd.in-toto+json
# An envelope is one line with exactly these members in this order, so that no two programs read it differently.
form='{"payload":"[A-Za-z0-9+/=]*","payloadType":"application/vnd\.in-toto+json","signatures":\[{"keyid":"[^"\\]*","sig":"[A-Za-z0-9+/=]*"}\]}'
good=0
bad=0

wrong() { echo "WRONG  $1: $2"; bad=$((bad + 1)); }

# Writes the payload, the signed bytes and the signature to files.
unpack() {
  [ "$(($(wc -l < "$1")))" -eq 1 ] && grep -qx "$form" "$1" || return 1
  sed 's/^{"payload":"\([^"]*\)".*$/\1/' "$1" | tr -d '\n' | openssl base64 -d -A > "$work/payload" || return 1
  sed 's/^.*"sig":"\([^"]*\)"}\]}$/\1/' "$1" | tr -d '\n' | openssl base64 -d -A > "$work/sig" || return 1
  { printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(($(wc -c < "$work/payload")))"; cat "$work/payload"; } > "$work/pae"
}

says() { grep -qF "$1" "$work/payload"; }

# FILE KEY PREDICATE WORDS…: checks that KEY signed FILE, that its type is PREDICATE, and that it contains all WORDS.
# Inside a JSON string a quotation mark is written \", so the words cannot come from a test's name.
check() {
  file=$1 key=$2 predicate=$3
  shift 3
  unpack "$here/$file" || { wrong "$file" 'is not an envelope in the form that Coldpass writes'; return; }
  openssl pkeyutl -verify -pubin -inkey "$here/$key.pem" -rawin -in "$work/pae" -sigfile "$work/sig" > "$work/openssl.log" 2>&1 ||
    { wrong "$file" "its signature is not the $key's signature over these bytes"; return; }
  says "\"predicateType\":\"$predicate\"" || { wrong "$file" "is not a $predicate"; return; }
  for word in "$@"; do
    says "$word" || { wrong "$file" "does not contain $word, as its name requires"; return; }
  done
  inputs "$file" || return
  good=$((good + 1))
  echo "good   $file"
}

# For each envelope that a summary names, checks that the file of that name beside the summary is exactly that envelope.
inputs() {
  grep -o '{"digest":{"sha256":"[0-9a-f]*"},"mediaType":"[^"]*","name":"[^"]*"' "$work/payload" |
    sed 's/.*"sha256":"\([0-9a-f]*\)".*"name":"\([^"]*\)"$/\1 \2/' > "$work/inputs"
  while read -r digest name; do
    beside=$here/${1%/*}/$name
    [ -f "$beside" ] && [ "$(openssl dgst -sha256 -r < "$beside" | cut -c1-64)" = "$digest" ] ||
      { wrong "$1" "rests on another $name than the one in this folder"; return 1; }
  done < "$work/inputs"
}

# Prints the key as allowed_signers has it: the last 32 bytes in the SSH form.
ssh_form() {
  openssl pkey -pubin -in "$here/$1.pem" -outform DER | tail -c 32 > "$work/raw"
  printf 'ssh-ed25519 '
  { printf '\000\000\000\013ssh-ed25519\000\000\000\040'; cat "$work/raw"; } | openssl base64 -A
  echo
}

for role in runner supervisor; do
  ssh_form "$role" > "$work/key"
  echo "$role signs with $(cat "$work/key")"
  [ $# -eq 0 ] || grep "^$role@coldpass " "$1" | grep -v valid-before= | grep -qF "$(cat "$work/key")" ||
    wrong "$role.pem" "is not the $role's key in $1"
done

cd "$here" || exit 2
for file in */*.test-result.json; do
  [ -e "$file" ] || continue
  run=${file##*/}
  check "$file" runner https://in-toto.io/attestation/test-result/v0.1 \
    "\"phase\":\"${file%%/*}\"" "\"run\":\"${run%.test-result.json}\""
done
for file in */*.vsa.json; do
  [ -e "$file" ] || continue
  gate=${file##*/}
  check "$file" supervisor https://slsa.dev/verification_summary/v1 \
    "\"phase\":\"${file%%/*}\"" "\"gate\":\"${gate%.vsa.json}\""
done

if [ "$bad" -gt 0 ]; then echo "$bad wrong, $good good"; exit 1; fi
if [ "$good" -eq 0 ]; then echo 'no statements here'; exit 1; fi
echo "all $good statements verify"
