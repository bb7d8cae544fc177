# shellcheck shell=bash
# What the scripts share. Sourced, not run.
set -euo pipefail
JAVA_CLIENT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# run MAIN-CLASS-OR-SOURCE [ARGUMENT...]: a program with the package, its tests and all that they
# need on the class path, which the Maven build has written down, so that none starts Maven.
run() {
  local target=$JAVA_CLIENT/target
  [ -s "$target/class-path" ] || {
    echo "${0##*/}: run clients/java/build first" >&2
    exit 2
  }
  java -cp "$target/classes:$target/test-classes:$(cat "$target/class-path")" \
    -Dstdout.encoding=UTF-8 -Dfile.encoding=UTF-8 "$@"
}
