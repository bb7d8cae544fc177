#!/usr/bin/env bash
# 跟踪变更 Follows the changes of one organ from the first on, for two seconds. The stream has no
# end; the position of the last message is where to go on.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

request='{"organ": "organs/demo-housing"}'
# The time limit ends the call, which grpcurl reports as an error.
{ grpcurl -plaintext -max-time 2 -d "$request" "$SERVER" \
  nianbao.v1.ReportService/WatchChanges 2>/dev/null || true; } |
  jq -r '"\(.position) \(.change.report.action // (if .change then "organ" else "heartbeat" end))"'
