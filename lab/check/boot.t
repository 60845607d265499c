#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The rows of the boot matrix that are chosen for make check: lab/rows.
exec "$(dirname "$0")/../matrix" --set check
