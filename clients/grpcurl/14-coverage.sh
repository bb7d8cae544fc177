#!/usr/bin/env bash
# 覆盖情况 Who of the city has filed, who is missing, and which revision a sum takes of each.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call AggregateService/GetCoverage '{"organ": "organs/demo-city", "year": 2023,
  "includeUnaccepted": true}' |
  jq -r '"expected \(.coverage.expected), included \(.coverage.included // 0), missing \(
    .coverage.missing // 0), at \(.position)",
    (.organs[] | "\(.organ) \(.displayName) \(.taken) \(.revision // "due \(.dueDate)")")'
