#!/usr/bin/env bash
# 汇总 Sums the city for one year, with reports that are not accepted yet, and what it covers.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call AggregateService/AggregateReports '{"organ": "organs/demo-city", "years": [2023],
  "includeUnaccepted": true, "listMembers": true}' |
  jq '.aggregates[0] | {fees: .disclosure.feesWanYuan, newlyReceived: .requests.newlyReceived.total,
    disputes: .disputes.reconsideration.total, coverage}'
