#!/usr/bin/env bash
# 校验报告 Holds a report against all rules. A report with faults is a good answer with findings.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

echo "报告无误 A report without faults:"
jq '{report: .}' report.json | call ReportService/ValidateReport @

echo "把表三·（四）无法提供·1·自然人由 51 改为 50 With one cell changed from 51 to 50:"
jq '{report: .} | .report.requests.unable.notHeld.naturalPerson = "50"' report.json |
  call ReportService/ValidateReport @ |
  jq -r '.findings[] | "\(.severity) \(.cell)\n  \(.messageZh)\n  \(.ruleId) \(.fingerprint)"'
