#!/usr/bin/env bash
# 提交被退回 A submit that is refused: the code, then details with reason, rule, cell and Chinese
# text.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

if jq '{report: (. + {organ: "organs/demo-housing", year: 2024})}
    | .report.requests.unable.notHeld.naturalPerson = "50"' report.json |
  call ReportService/SubmitReport @ 2>&1; then
  echo 'the report was taken, although its sums are wrong' >&2
  exit 1
fi
