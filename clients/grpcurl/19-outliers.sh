#!/usr/bin/env bash
# 列出异常数据 Figures that stand out among other years or like organs: an aid to the eye.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call AggregateService/ListOutliers '{"organ": "organs/demo-city", "year": 2023,
  "includeUnaccepted": true}' |
  jq -r '"\(.outliers // [] | length) reports with figures that stand out",
    (.outliers // [] | .[] | "\(.revision): \(.findings[0].messageZh)")'
