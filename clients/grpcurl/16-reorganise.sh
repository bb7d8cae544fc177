#!/usr/bin/env bash
# 机构改革 Renames, moves, merges and closes organs, each from a year on; shows what is refused, and
# that the past stays what it was. Run twice, it says that all is done already.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# try METHOD JSON: one call; what is refused is shown by its reason.
try() {
  local answer
  if answer=$(call "OrganService/$1" "$2" 2>&1); then
    jq -c '.organ // .sources // .result // .' <<<"$answer"
  else
    grep -o '"reason": "[A-Z_]*"' <<<"$answer" | head -n 1
  fi
}

years='"parent": "organs/demo-city", "fromYear": 2019'
for organ in demo-tourism:示例市旅游局 demo-culture:示例市文化局 demo-office:示例市旅游服务中心; do
  try CreateOrgan "$(jq -n --arg id "${organ%%:*}" --arg name "${organ#*:}" "{organId: \$id,
    organ: {displayName: \$name, affiliations: [{$years}]}}")" >/dev/null
done

echo '# 更正登记 update: only the fields of the mask'
# In JSON a mask is one string, "sector,level"; grpcurl alone wants it written out.
try UpdateOrgan '{"organ": {"name": "organs/demo-culture", "sector": "culture"},
  "updateMask": {"paths": ["sector"]}}'
echo '# 调整隶属 move: from 2022 on'
try MoveOrgan '{"name": "organs/demo-office", "parent": "organs/demo-tourism", "fromYear": 2022}'
echo '# 成环的被拒绝 a cycle is refused'
try MoveOrgan '{"name": "organs/demo-tourism", "parent": "organs/demo-office", "fromYear": 2023}'
echo '# 更名 rename: the old name is kept'
try RenameOrgan '{"name": "organs/demo-culture", "displayName": "示例市文化和旅游局",
  "fromYear": 2024}'
echo '# 合并 merge: children are not moved in silence'
merger='"sources": ["organs/demo-tourism"], "successor": "organs/demo-culture", "fromYear": 2024'
try MergeOrgans "{$merger}"
try MergeOrgans "{$merger, \"moveChildren\": true}"
echo '# 撤销 close'
try CloseOrgan '{"name": "organs/demo-office", "lastYear": 2025}'

echo '# 导入 import: a header, then the bytes of the file'
list=$'机关编号,机关名称,上级机关,起始年\ndemo-edu,示例市教育局,demo-city,2019\n'
list=$(jq -n --arg list "$list" '$list | @base64')
call OrganService/ImportOrgans "{\"header\": {\"format\": \"FORMAT_CSV\"}} {\"chunk\": $list}" |
  jq -c .result
call OrganService/GetOrgan '{"name": "organs/demo-office"}' | jq -c .affiliations
