#!/usr/bin/env bash
# 核对政府汇总报告 Two bureaus file for 2022, and the city declares the figures of one only: who was
# left out? Run 03-organs.sh first.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# file ORGAN SCOPE FEES: submits a report of 2022; one that was taken already stays as it is.
file() {
  local answer
  answer=$(jq --arg organ "organs/$1" --arg scope "SCOPE_$2" --arg fees "$3" '{report: (. + {
    organ: $organ, scope: $scope, year: 2022} | .disclosure.feesWanYuan = $fees)}' report.json |
    call ReportService/SubmitReport @ 2>&1) || grep -q REPORT_STATE <<<"$answer" || {
    echo "$answer" >&2
    return 1
  }
}

file demo-housing OWN 1317.89
file demo-transport OWN 12.50
file demo-city REGION 12.50
call AggregateService/ReconcileReport '{"name": "organs/demo-city/reports/2022-region",
  "includeUnaccepted": true}' |
  jq -r '.reconciliation |
    (.cells[] | "\(.cell): \(.declared) - \(.computed) = \(.delta)"),
    (.explanation | "\(.kind) \(.parts[].revision)"),
    (.missing[] | "missing \(.organ)"),
    "\(.cellsDifferent) of \(.cellsCompared) cells differ"'
