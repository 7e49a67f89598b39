#!/usr/bin/env bash
# Removes what bootstrap.sh or bootstrap.yml made, as far as it came: NAME=web remove.sh. It is not part of what is
# measured.
set -e

ids=$(aws ec2 describe-instances --query 'Reservations[].Instances[].InstanceId' --output text \
  --filters "Name=tag:fleet,Values=$NAME" Name=instance-state-name,Values=pending,running)
if [ -n "$ids" ]; then
  # shellcheck disable=SC2086 # one argument an id
  aws ec2 terminate-instances --instance-ids $ids > /dev/null
fi

# Does one step of the removal; that there is nothing to remove is no failure.
unless_absent() {
  local said
  if ! said=$("$@" 2>&1) && [[ $said != *NoSuchEntity* ]]; then
    echo "$said" >&2
    return 1
  fi
}
unless_absent aws iam remove-role-from-instance-profile --instance-profile-name "$NAME" --role-name "$NAME"
unless_absent aws iam delete-instance-profile --instance-profile-name "$NAME"
unless_absent aws iam delete-role-policy --role-name "$NAME" --policy-name "$NAME"
unless_absent aws iam delete-role --role-name "$NAME"
