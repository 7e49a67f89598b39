#!/bin/sh
# Run once, by cloud-init, at a machine's first start.
set -eu
dnf install -y nginx
aws s3 sync s3://web-content /usr/share/nginx/html
systemctl enable --now nginx
