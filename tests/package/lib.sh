# shellcheck shell=bash
# What tests of packages share: the packages, of what the other suites built and tested.
. "${BASH_SOURCE[0]%/*}/../machine/lib.sh"

debs=$(build_dir)/deb

install_packages package >"$cache_dir/apt.log" 2>&1 || { tail -n 20 "$cache_dir/apt.log" && exit 69; }

# Once for all tests of a run, and again when something in the sources or the build is newer.
need_debs()
{
  local done=$debs/conos.done
  [[ $done -nt $(build_dir)/.ninja_log ]] &&
    [[ -z $(find "$source_dir" \( -path "$source_dir/build*" -o -name .git \) -prune -o -newer "$done" -print -quit) ]] &&
    return
  "$source_dir/packaging/deb" --built "$debs" >&2
  touch "$done"
}
