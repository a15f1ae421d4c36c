# shellcheck shell=sh
# Sourced by the other scripts: finds the checkout's root and the Node that Midge is pinned to.
root=$(cd "$(dirname "$0")/.." && pwd)
# What Node is run with: a small young generation costs no speed here, and saves tens of megabytes.
# shellcheck disable=SC2034
node_flags=--max-semi-space-size=4
# glibc would give every thread a heap of its own, and what one takes and another frees stays there.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-1}"

# Prints the path of the pinned Node, or of a system Node of at least 24 where npm has none to fit.
find_node() {
  for candidate in "$root"/node_modules/node-linux-*/bin/node; do
    [ -x "$candidate" ] && "$candidate" -e 0 2>/dev/null && { echo "$candidate"; return; }
  done
  system=$(command -v node) && [ "$("$system" -p 'process.versions.node.split(".")[0]')" -ge 24 ] &&
    { echo "$system"; return; }
  echo "Midge needs Node 24 or later, and npm installed none for this kind of machine." >&2
  return 1
}

# shellcheck disable=SC3013 # dash and busybox know -nt
# Installs the packages of the lock file, and Node and npm themselves where they are missing.
install_packages() {
  [ "$root/node_modules/.midge-installed" -nt "$root/package-lock.json" ] && return
  if ! command -v npm >/dev/null; then
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
      echo "npm is missing. Install it first: sudo apt-get install nodejs npm" >&2
      return 1
    fi
    echo "Installing Node and npm…" >&2
    apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends nodejs npm >&2 || return
  fi
  echo "Installing packages…" >&2
  (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || return
  touch "$root/node_modules/.midge-installed"
}

# Builds dist/ if it is missing or older than the sources.
build_if_stale() {
  if [ ! -e "$root/dist/.built" ] ||
    [ -n "$(find "$root/src" "$root/package.json" "$root"/scripts/build*.ts -newer "$root/dist/.built" -type f -print -quit)" ]; then
    node=$(find_node) && "$node" "$root/scripts/build.ts" >&2
  fi
}

# Installs the Debian packages named, where they are missing.
install_debian_packages() {
  missing=
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  [ -z "$missing" ] && return
  if [ "$(id -u)" -ne 0 ]; then
    echo "These Debian packages are needed:$missing. Install them first: sudo apt-get install$missing" >&2
    return 1
  fi
  echo "Installing$missing…" >&2
  # RUNLEVEL=1: a broker that is installed for the tests must not be started as a service.
  # shellcheck disable=SC2086 # a list of words
  apt-get update -qq >&2 && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >&2
}

# Compilers and emulators for firmware-samples/.
# shellcheck disable=SC2034 # used by scripts that source this
firmware_packages='make gcc g++ libc6-dev gcc-avr avr-libc gcc-arm-none-eabi libnewlib-arm-none-eabi
  libsimavr-dev libelf-dev qemu-system-arm'
