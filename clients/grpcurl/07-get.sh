#!/usr/bin/env bash
# 读取报告 Gets a stored report by its name, and shows one row of table three.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call ReportService/GetReport '{"name": "organs/demo-housing/reports/2023-own"}' |
  jq '{name, state, submitter, etag, newlyReceived: .requests.newlyReceived}'
