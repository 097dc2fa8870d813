# shellcheck shell=bash
# What the scripts of packaging/ and tests/ share: places, packages, the build.

source_dir=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
# On disk and kept: on ext4, because machines need chattr +i, ACLs and an honest fsync.
cache_dir=${CONOS_CACHE:-/var/cache/conos}
# Two clones must not meet in one machine.
# shellcheck disable=SC2034 # for those who source this
clone_id=$(sha256sum <<<"$source_dir" | cut -c1-6)

export LC_ALL=C.UTF-8
umask 022

die() # STATUS MESSAGE
{
  printf '%s: %s\n' "${0##*/}" "$2" >&2
  exit "$1"
}

need_root()
{
  ((EUID == 0)) || die 77 "only root can do this"
  mkdir -p "$cache_dir"
}

packages() # SECTION...
{
  local section
  for section in "$@"; do
    awk -v want="[$section]" '/^\[/ { on = $0 == want; next } on && /^[a-z]/' \
      "$source_dir/packaging/packages"
  done | sort -u
}

missing_packages() # SECTION...
{
  comm -23 <(packages "$@") \
    <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
      sed -n 's/^installed //p' | sort -u)
}

install_packages() # SECTION...
{
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  local apt=(timeout 1200 env DEBIAN_FRONTEND=noninteractive
    apt-get -q -y -o DPkg::Lock::Timeout=300)
  # The lists of a fresh machine are empty and those of an old one name files that are gone.
  "${apt[@]}" install --no-install-recommends "${missing[@]}" ||
    { "${apt[@]}" update && "${apt[@]}" install --no-install-recommends "${missing[@]}"; }
}

build_dir()
{
  local dir=$source_dir/build
  [[ -w $source_dir ]] || dir=$cache_dir/build-$clone_id
  echo "${CONOS_BUILD:-$dir}"
}

# CONOS_JOBS bounds how many compilers it runs at a time.
build() # [MESON OPTION...]: these are for a build that is new
{
  local dir
  dir=$(build_dir)
  mkdir -p "$dir"
  if [[ ! -f $dir/build.ninja ]]; then flock "$dir" meson setup "$@" "$dir" "$source_dir"; fi
  flock "$dir" ninja ${CONOS_JOBS:+-j "$CONOS_JOBS"} -C "$dir"
}

# One that stops at the first misuse of memory or arithmetic; what is built or run after it in this
# shell is that one. Not optimised: g++ takes four times as long where it has to.
build_sanitized()
{
  CONOS_BUILD=$(build_dir)-sanitized
  export CONOS_BUILD UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  build -Dtests=true -Doptimization=0 -Db_sanitize=address,undefined -Db_lundef=false
}

# Installs the build where a machine can be given it, and prints where that is. Once for all who ask,
# until something in the sources or the build is newer.
stage()
{
  local dir
  dir=$(build_dir)
  (
    flock 9
    if [[ $dir/stage.done -nt $dir/.ninja_log ]] &&
      [[ -z $(find "$source_dir" \( -path "$dir*" -o -name .git \) -prune -o -newer "$dir/stage.done" -print -quit) ]]; then
      exit
    fi
    rm -rf "${dir:?}/stage"
    touch "$dir/stage.begun"
    DESTDIR=$dir/stage meson install --no-rebuild --quiet --strip -C "$dir" >&2
    # half a gigabyte, and there is no compiler in a machine
    find "$dir/stage" -name 'libconos.a' -delete
    mv "$dir/stage.begun" "$dir/stage.done"
  ) 9>"$dir/stage.lock"
  echo "$dir/stage"
}
