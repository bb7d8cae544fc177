#!/usr/bin/env bash
# 服务状态 Health of reads and writes, and the limits of the server.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for service in '' nianbao.v1.writes; do
  grpcurl -plaintext -d "{\"service\": \"$service\"}" "$SERVER" grpc.health.v1.Health/Check
done
call AdminService/GetServerInfo |
  jq -r '"version \(.version), writable \(.writable)",
    (.limits[] | "\(.name) \(.value) \(.unit) \(.textZh)")'
