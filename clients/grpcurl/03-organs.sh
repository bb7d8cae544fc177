#!/usr/bin/env bash
# 登记机关 Registers a city and two bureaus below it. What is registered already stays as it is.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# register JSON: creates one organ; ALREADY_EXISTS is as good.
register() {
  local answer
  if answer=$(call OrganService/CreateOrgan "$1" 2>&1) || grep -q AlreadyExists <<<"$answer"; then
    jq -r '"registered organs/" + .organId' <<<"$1"
  else
    echo "$answer" >&2
    return 1
  fi
}

register '{"organId": "demo-city", "organ": {"displayName": "示例市人民政府办公室",
  "level": "LEVEL_PREFECTURE", "kind": "KIND_GOVERNMENT_OFFICE"}}'
for bureau in demo-housing:示例市住房和城乡建设局 demo-transport:示例市交通运输局; do
  register "$(jq -n --arg id "${bureau%%:*}" --arg name "${bureau#*:}" '{organId: $id,
    organ: {displayName: $name, kind: "KIND_DEPARTMENT",
    affiliations: [{parent: "organs/demo-city", fromYear: 2019}]}}')"
done
call OrganService/ListOrgans '{"filter": "parent = \"organs/demo-city\""}'
