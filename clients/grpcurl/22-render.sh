#!/usr/bin/env bash
# 生成文档 Renders a stored report as a web page, and reads the page back: the same figures.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

pieces=$(call DocumentService/RenderDocument '{"name": "organs/demo-housing/reports/2023-own",
  "documentType": "DOCUMENT_TYPE_HTML"}')
jq -r 'select(.header).header | "\(.fileName), \(.mediaType), \(.revision)"' <<<"$pieces"
page() { jq -r 'select(.data).data' <<<"$pieces" | base64 --decode; }
page | grep -o '<h[12][^>]*>[^<]*'
said=$(jq -r 'select(.header).header.sha256' <<<"$pieces")
[ "$(page | sha256sum | cut -d' ' -f1)" = "$said" ] && echo 'the document is whole'
{
  echo '{"header": {"organ": "organs/demo-housing"}}'
  page | base64 --wrap=0 | jq -R '{chunk: .}'
} | call DocumentService/ParseDocument @ |
  jq -r '"read back: \(.report.requests.newlyReceived.total)"'
