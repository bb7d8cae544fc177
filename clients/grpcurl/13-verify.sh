#!/usr/bin/env bash
# 核验日志 Verifies the journal against the hash of a receipt. Kept outside of the server it proves
# that nothing up to it was rewritten or cut off.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

hash=$(call AdminService/GetServerInfo | jq -r .head.entryHash)
call AdminService/VerifyJournal "{\"expect\": \"$hash\"}" |
  jq -r '"sound \(.sound), expected entry found \(.expectedFound)"'
