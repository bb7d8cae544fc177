#!/usr/bin/env bash
# 列出服务与方法 Lists what the server offers. No proto file is needed: the server describes itself.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

grpcurl -plaintext "$SERVER" list
echo
grpcurl -plaintext "$SERVER" list nianbao.v1.ReportService
