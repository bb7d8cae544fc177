#!/usr/bin/env bash
# 列出分项 Which reports make up the sum of one cell, the largest first.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call AggregateService/ListContributions '{"organ": "organs/demo-city", "year": 2023,
  "cell": "表二·行政事业性收费", "includeUnaccepted": true}' |
  jq -r '.cell, (.contributions[] | "\(.value) \(.revision)"), "sum \(.total) of \(.given)"'
