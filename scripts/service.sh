#!/bin/sh
# Runs a service as npm and the images do, given from the root of the project: sh scripts/service.sh services/decision/main.ts --config FILE
# The options of Node stand in one file, which whoever starts a service as a process reads too (platform/programs/launch/node-options.ts).
set -eu
root=${0%/*}/..

# shellcheck disable=SC2046 # one word for each option
exec sh "$root/scripts/on-node-24.sh" $(cat "$root/platform/programs/launch/node-options") "$@"
