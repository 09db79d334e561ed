#!/usr/bin/env bash
# Find a Python that can run the bootstrap (its standard library is enough), and hand over to it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! command -v python3 >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "bootstrap: python3 is missing; installing it with apt-get"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
      python3 python3-venv >/dev/null
  else
    echo "Python 3.11 or later is missing. Install it:  sudo apt-get install -y python3 python3-venv" >&2
    exit 1
  fi
fi
exec python3 -m deploy.local.bootstrap "$@"
