#!/usr/bin/env bash
# 查看表格定义 Shows a row of table three as the schema has it: labels, limits and rules.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

grpcurl -plaintext "$SERVER" describe nianbao.v1.ApplicantCounts
