# shellcheck shell=bash
# What the scripts share. Sourced, not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Where the server listens. Another one: NIANBAO_SERVER=host:port ./04-validate.sh
SERVER=${NIANBAO_SERVER:-127.0.0.1:50051}
SERVER=${SERVER#http://}

# call METHOD [JSON]: one call; the request comes from the argument, or from standard input with @.
call() {
  if [ $# -gt 1 ]; then
    grpcurl -plaintext -d "$2" "$SERVER" "nianbao.v1.$1"
  else
    grpcurl -plaintext "$SERVER" "nianbao.v1.$1"
  fi
}
