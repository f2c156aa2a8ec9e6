#!/bin/sh
# Asks the agent about one file, and why. Usage: sh decide.sh SOCKET
set -eu
ask() { curl --silent --show-error --fail-with-body --max-time 1 --unix-socket "$1" --json "$3" "http://agent$2"; }

ask "$1" /v1/decide '{"transfer": {"path": "/data/shard-0001.tar", "size": 4294967296}}'
echo
ask "$1" /v1/explain '{"transfer": {"path": "/data/shard-0001.tar", "size": 4294967296}}'
echo
