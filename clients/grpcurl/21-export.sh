#!/usr/bin/env bash
# 导出表格 Exports the sums of the city as CSV: the pieces of the stream are one file, and the last
# message says whether it is whole.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

pieces=$(call AggregateService/ExportReports '{"organ": "organs/demo-city", "years": [2023],
  "includeUnaccepted": true, "content": "EXPORT_CONTENT_SUMS", "format": "EXPORT_FORMAT_CSV"}')
jq -r 'select(.header).header | "\(.fileName), \(.mediaType), at \(.position)"' <<<"$pieces"
file() { jq -r 'select(.data).data' <<<"$pieces" | base64 --decode; }
file | cut -d, -f1-10
said=$(jq -r 'select(.trailer).trailer.sha256' <<<"$pieces")
[ "$(file | sha256sum | cut -d' ' -f1)" = "$said" ] && echo 'the file is whole'
