#!/usr/bin/env bash
# 列出报告 Lists the reports of all organs for one year, two a page.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

token=
while true; do
  page=$(jq -n --arg token "$token" '{parent: "organs/-", filter: "year = 2023 AND scope = own",
    pageSize: 2, pageToken: $token}' | call ReportService/ListReports @)
  jq -r '.reports[]? | "\(.name) \(.state) \(.title)"' <<<"$page"
  token=$(jq -r '.nextPageToken // ""' <<<"$page")
  [ -n "$token" ] || break
done
