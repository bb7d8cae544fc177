#!/usr/bin/env bash
# 办理过程 Takes a report from draft to amendment. Who submits and who accepts are two people: each
# says who it is in the metadata, which is believed on the server's own machine.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

name=organs/demo-housing/reports/2024-own

# as PERSON METHOD JSON: a call by that person; the request comes from standard input with @.
as() {
  grpcurl -plaintext -H "nianbao-principal: $1" -d "$3" "$SERVER" "nianbao.v1.ReportService/$2"
}

# A report with just the figures of last year would have to be explained.
jq '{report: (. + {organ: "organs/demo-housing", year: 2024}
  | .disclosure.licensingDecisions = "23100")}' report.json |
  as zhang SaveDraft @ | jq -r '"draft, revision \(.report.latestRevision)"'
as zhang SubmitReport "{\"name\": \"$name\"}" | jq -r .report.state
reason='{"fieldPath": "requests.granted.total", "text": "请与办理台账核对"}'
as li ReturnReport "{\"name\": \"$name\", \"reasons\": [$reason]}" |
  jq -r '.report.returnReasons[] | "\(.cell)：\(.text)"'
as zhang SubmitReport "{\"name\": \"$name\"}" | jq -r .report.state
as li AcceptReport "{\"name\": \"$name\"}" | jq -r .report.state
as zhang PublishReport "{\"name\": \"$name\"}" | jq -r .report.state
as zhang AmendReport "{\"name\": \"$name\", \"reason\": \"漏计一件\"}" | jq -r .report.state
as li ListReportEvents "{\"parent\": \"$name\"}" |
  jq -r '.events[] | "\(.receipt.position) \(.principal) \(.change.action)"'
