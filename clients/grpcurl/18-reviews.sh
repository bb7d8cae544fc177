#!/usr/bin/env bash
# 列出待复核报告 Reports that count, whose report of the year before was amended or filed since.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call AggregateService/ListReviews '{"organ": "organs/demo-city", "year": 2023}' |
  jq -r '"\(.reviews // [] | length) to look at again",
    (.reviews // [] | .[] | "\(.revision) beside \(.comparedWith): \(.findings[0].messageZh)")'
