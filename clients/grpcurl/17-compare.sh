#!/usr/bin/env bash
# 年度比较 A figure over the years; what the form of a year does not have is unknown, never 0.
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

call AggregateService/CompareYears '{"organ": "organs/demo-city", "years": [2022, 2023],
  "cells": ["表二·行政事业性收费"], "includeUnaccepted": true}' |
  jq -r '.series[] | .cell, (.points[] | "\(.year) \(.value // "nobody gave one")")'
