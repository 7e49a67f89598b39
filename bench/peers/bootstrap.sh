#!/usr/bin/env bash
# The script that people write: role, policy, profile, a sleep that is long enough most of the time, and the machines.
# What it made when it fails in the middle is left to whoever finds it.
#
#   NAME=web COUNT=10 IMAGE=ami-... TYPE=t3.micro SLEEP=10 bootstrap.sh
set -e

aws iam create-role --role-name "$NAME" --assume-role-policy-document '{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Principal": { "Service": "ec2.amazonaws.com" }, "Action": "sts:AssumeRole" }]
}' > /dev/null
aws iam put-role-policy --role-name "$NAME" --policy-name "$NAME" --policy-document '{
  "Version": "2012-10-17",
  "Statement": [{ "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*" }]
}'
aws iam create-instance-profile --instance-profile-name "$NAME" > /dev/null
aws iam add-role-to-instance-profile --instance-profile-name "$NAME" --role-name "$NAME"

sleep "$SLEEP"

ids=$(aws ec2 run-instances --image-id "$IMAGE" --instance-type "$TYPE" --count "$COUNT" \
  --iam-instance-profile "Name=$NAME" --metadata-options HttpTokens=required \
  --tag-specifications "ResourceType=instance,Tags=[{Key=fleet,Value=$NAME}]" \
  --query 'Instances[].InstanceId' --output text)
# shellcheck disable=SC2086 # one argument an id
aws ec2 wait instance-running --instance-ids $ids
