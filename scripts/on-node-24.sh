#!/bin/sh
# Runs a program of this project, given from its root: sh scripts/on-node-24.sh sample/start.ts
# In the language of the shell is only what no Node can say: that the Node which comes along (npm puts it first in PATH) cannot run here. It and
# PostgreSQL are linked against glibc, whose loader is looked for; elsewhere the shell would say that an existing file is not found.
set -eu
root=$(cd "${0%/*}/.." && pwd)

case "$(uname -s) $(uname -m)" in
  "Linux x86_64") loader=/lib64/ld-linux-x86-64.so.2 ;;
  "Linux aarch64") loader=/lib/ld-linux-aarch64.so.1 ;;
  *) loader= ;; # the program says what it supports
esac
if [ -n "$loader" ] && [ ! -e "$loader" ] && ! node --version >/dev/null 2>&1; then
  echo "Linux without glibc (Alpine) is not supported: use a distribution with it, such as Debian, Ubuntu or Fedora; of images node:24, not node:24-alpine" >&2
  exit 1
fi

exec node --import "$root/scripts/needs-node-24.js" --import "$root/platform/programs/launch/quick-start.js" "$@"
