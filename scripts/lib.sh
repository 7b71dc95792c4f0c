# Functions that the other scripts source.
# shellcheck shell=bash
set -euo pipefail

# shellcheck disable=SC2034 # used by the scripts that source this file
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
TOOLS=$TARGET_DIR/tools

# Each directory once: a changed PATH makes cargo build ring again.
add_to_path() { case :$PATH: in *":$1:"*) ;; *) PATH=$PATH:$1 ;; esac; }
add_to_path /usr/sbin
add_to_path /sbin

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
    say "$@"
    exit 1
}

# The comment at the beginning of the script, after the line for the kernel.
show_help() { sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$0"; }

# As a file: commands such as kill are built into the shell, but the tests need the program.
have() { type -P "$1" >/dev/null; }

is_root() { [ "$(id -u)" = 0 ]; }

# Without a terminal sudo must not ask for a password.
sudo_() { if [ -t 0 ]; then sudo "$@"; else sudo -n "$@"; fi; }

as_root() {
    if is_root; then
        "$@"
    elif have sudo; then
        sudo_ "$@"
    else
        say "this needs root, and there is no sudo: $*"
        return 1
    fi
}

need_rust() {
    add_to_path "${CARGO_HOME:-$HOME/.cargo}/bin"
    have rustc || die "rustc is missing: install Rust 1.89 or newer, for instance with rustup"
    have cargo || die "cargo is missing: it comes with Rust"
}

# with_apt PACKAGES APT-GET-COMMAND… tries with the present package lists, if any, then with new ones.
with_apt() {
    local packages=$1
    shift
    if ! have apt-get; then
        say "missing: $packages; this is no Debian or Ubuntu, so install it with your own package manager"
        return 1
    fi
    if compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
        "$@" </dev/null >&2 && return
    fi
    say "apt-get update"
    as_root apt-get -qq update </dev/null >&2 || say "apt-get update failed"
    "$@" </dev/null >&2 && return
    say "apt-get could not get: $packages"
    return 1
}

# need COMMAND:PACKAGE[,PACKAGE]… installs the packages of missing commands and reports it.
need() {
    local pair package packages=() missing=()
    for pair in "$@"; do
        have "${pair%%:*}" || [ -x "${pair%%:*}" ] || IFS=, read -r -a packages <<<"${pair#*:}"
        for package in "${packages[@]}"; do
            [[ " ${missing[*]} " == *" $package "* ]] || missing+=("$package")
        done
        packages=()
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing with apt-get: ${missing[*]}"
    with_apt "${missing[*]}" as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "${missing[@]}"
}

# unpacked COMMAND PACKAGE prints where COMMAND is. A package that would start a server when it is installed
# is only unpacked, under target/tools.
unpacked() {
    local command=$1 package=$2
    if ! find_command "$command"; then
        say "unpacking $package into $TOOLS, not installing it: it would start a server"
        mkdir -p "$TOOLS/deb"
        with_apt "$package" download "$package" || return 1
        dpkg-deb -x "$TOOLS"/deb/"$package"_*.deb "$TOOLS" || return 1
        find_command "$command"
    fi
}

download() { (cd "$TOOLS/deb" && apt-get -qq -o APT::Sandbox::User=root download "$1"); }

find_command() {
    local directory
    command -v "$1" 2>/dev/null && return
    for directory in usr/bin usr/sbin sbin; do
        [ ! -x "$TOOLS/$directory/$1" ] || { printf '%s\n' "$TOOLS/$directory/$1" && return; }
    done
    return 1
}

# debian_tar NAME OPTIONS… makes a small Debian of this machine's release with mmdebstrap, and prints the path of its tar
# file. It gets the configuration of apt on this machine; a file of the last week is used again.
debian_tar() {
    local name=$1 suite tar file apt_options sources=()
    shift
    need mmdebstrap:mmdebstrap || return
    suite=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:?this machine has no code name}") || return
    tar=$TARGET_DIR/$name-$suite.tar
    mkdir -p "$TARGET_DIR"
    if [ -z "$(find "$tar" -mtime -7 2>/dev/null)" ]; then
        # The name with the number is on machines that mmdebstrap made.
        for file in /etc/apt/sources.list /etc/apt/sources.list.d/{,0000}{debian,ubuntu}.{sources,list}; do
            [ ! -s "$file" ] || sources+=("$file")
        done
        [ ${#sources[@]} -gt 0 ] || die "no apt sources of this machine's release found below /etc/apt"
        apt_options=${tar%.tar}.apt.conf
        apt-config dump Acquire >"$apt_options"
        say "mmdebstrap: a small $suite, into $tar"
        as_root mmdebstrap --quiet "$@" --aptopt="$apt_options" "$suite" "${tar%.tar}.new.tar" "${sources[@]}" >&2 ||
            return
        mv "${tar%.tar}.new.tar" "$tar"
    fi
    printf '%s\n' "$tar"
}
