#!/bin/bash
# Installs what is missing, builds, and runs every tier of tests.
#
#   tests/run.sh [TIER...]      without a tier: all of them, in this order
#
#   house      format, clang-tidy, cppcheck, -fanalyzer, layers, forbidden calls, files
#   quickstart the first command of README, over its example and over a directory
#   unit       unit and kernel tests, as root and as an ordinary user
#   sanitize   the same under AddressSanitizer and UBSan, with the share of lines that run; what has
#              threads under ThreadSanitizer
#   fuzz       what parses, under libFuzzer, for ten seconds each
#   host       engines and command line on this machine, rootful and rootless
#   trixie     the same on Debian 13, in a tree of its own
#   kubernetes pods over the CRI: containerd of this machine (1.6), of Debian 13 (1.7) and of sid (2.1)
#   runtime    oci-cnb-runtime under Docker, containerd, podman and buildah, on the same three
#   build      the CNB lifecycle under podman and crun: images over the overlay and over plain copies
#   kernels    crun with programs that lack each newer system call, and all of them
#   filesystems  sources and scratch on eight file systems, each with each
#   guest      the same in a virtual machine with Debian's kernel, sources over virtiofs and 9p
#   faults     hooks killed at, or failing in, each of their system calls; hostile sources, races
#   load       fifty containers at once; kill -9 of anything at random, rootful and rootless
#   arm64      the programs for arm64, built here, and what needs no mount of theirs under qemu-user
#   package    .deb, .rpm and tarball: install, use, upgrade, remove; two builds, one digest
#
# The last line is `N passed, N failed, N skipped`. A tier that cannot run is skipped, loudly; with
# CI=true that is a failure.
set -euo pipefail

checkout=$(readlink -f "$(dirname "$(readlink -f "$0")")/..")
cd "$checkout"
readonly all_tiers=(house quickstart unit sanitize fuzz host trixie kubernetes runtime build kernels filesystems guest faults load arm64 package)
readonly build=$checkout/build/release results=$checkout/build/results
readonly enter=$checkout/tests/lab/enter
corpus=$(readlink -f "${OCI_CNB_CORPUS:-$checkout/../shared/corpus}" || true)
summary=() passed=0 failed=0 skipped=0

say() { printf '\n=== %s\n' "$*"; }

# --- results --------------------------------------------------------------------------------------

# record TIER SECONDS FILE...: adds a tier's JUnit files to the sum.
record() {
  local tier=$1 seconds=$2 counts
  shift 2
  counts=$(python3 tests/lab/junit.py "$@")
  local p f s
  read -r p f s <<<"$counts"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  summary+=("$(printf '%-22s %6d passed %4d failed %4d skipped %5d s' "$tier" "$p" "$f" "$s" "$seconds")")
}

# cannot TIER REASON: the tier didn't run.
cannot() {
  printf '\n!!! tier %s did not run: %s\n' "$1" "$2" >&2
  if [[ ${CI:-} == true ]]; then
    failed=$((failed + 1))
    summary+=("$(printf '%-22s NOT RUN, which CI forbids: %s' "$1" "$2")")
  else
    skipped=$((skipped + 1))
    summary+=("$(printf '%-22s not run: %s' "$1" "$2")")
  fi
}

# broken TIER WHAT LOG: something ended before it could write results.
broken() {
  printf '\n!!! tier %s: %s\n' "$1" "$2" >&2
  [[ -z ${3:-} ]] || tail -n 40 "$3" >&2
  failed=$((failed + 1))
  summary+=("$(printf '%-22s FAILED: %s' "$1" "$2")")
}

# collect TIER SECONDS LOG FILE...: record, or say that there is nothing to record.
collect() {
  local tier=$1 seconds=$2 log=$3 file
  shift 3
  for file in "$@"; do
    if [[ ! -s $file ]]; then
      broken "$tier" "no results in ${file#"$checkout/"}" "$log"
      return
    fi
  done
  record "$tier" "$seconds" "$@"
}

# told LOG: what a run of pytest said, without its dots.
told() {
  grep -vE '^\.+( |$)|^$' "$1" | tail -n 100 || true
}

# pytests START NAME...: runs of pytest that began at START, each with its log and its results.
pytests() {
  local start=$1 name
  shift
  for name in "$@"; do
    told "$results/$name.log"
    collect "$name" $((SECONDS - start)) "$results/$name.log" "$results/user/$name.xml"
  done
}

# --- building -------------------------------------------------------------------------------------

# build_preset PRESET [TARGET...]: configures and builds; its log is shown only when it fails.
build_preset() {
  local preset=$1 log=$results/build-$1.log
  shift
  local -a launcher=()
  if command -v ccache >/dev/null; then
    export CCACHE_BASEDIR=$checkout  # what another checkout has compiled is as good
    launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  say "building ($preset)"
  if ! { cmake --preset "$preset" "${launcher[@]}" && cmake --build --preset "$preset" ${1:+--target "$@"}; } \
    >"$log" 2>&1; then
    grep -E -A12 'error|FAILED' "$log" | head -n 60 >&2 || tail -n 40 "$log" >&2
    return 1
  fi
}

# What an administrator would have after `cmake --install`.
stage() {
  rm -rf "$checkout/build/stage"
  cmake --install "$build" --prefix "$checkout/build/stage" >"$results/stage.log" 2>&1 || {
    cat "$results/stage.log" >&2
    return 1
  }
}

# --- tiers ----------------------------------------------------------------------------------------

tier_house() {
  local start=$SECONDS log=$results/house.log
  python3 -m pytest tests/house --build-dir "$build" -q --tb=short \
    --junit-xml="$results/house.xml" 2>&1 | tee "$log" | tail -n 60 || true
  collect house $((SECONDS - start)) "$log" "$results/house.xml"
}

# run_ctest NAME BUILD_DIR [OPTION]...: in the lab, where a stray mount harms nobody.
run_ctest() {
  local name=$1 start=$SECONDS log=$results/$1.log
  shift
  "$enter" "${corpus_bind[@]}" host ctest --test-dir "$@" --output-on-failure -j2 \
    --output-junit "$results/$name.xml" >"$log" 2>&1 ||
    grep -vE ' Passed +[0-9.]+ sec$| Start ' "$log" | tail -n 80
  collect "$name" $((SECONDS - start)) "$log" "$results/$name.xml"
}

# The test programs once more without privileges: refusals and fallbacks that root never sees.
unit_as_user() {
  local start=$SECONDS log=$results/unit-user.log program
  local -a files=()
  : >"$log"
  for program in "$build"/tests/unit/test_*; do
    [[ -f $program && -x $program ]] || continue
    files+=("$results/user/${program##*/}.xml")
    "$enter" --user "${corpus_bind[@]}" host "$program" --gtest_brief=1 \
      --gtest_output="xml:${files[-1]}" >>"$log" 2>&1 || true
  done
  collect unit-user $((SECONDS - start)) "$log" "${files[@]}"
  grep -A15 'Failure$' "$log" | head -n 60 || true
}

tier_unit() {
  run_ctest unit "$build"
  unit_as_user
}

# Outside of the lab, as a newcomer's.
tier_quickstart() {
  local start=$SECONDS log=$results/quickstart.log
  python3 -B -m pytest tests/quickstart -q --tb=short --junit-xml="$results/quickstart.xml" >"$log" 2>&1 ||
    true
  told "$log"
  collect quickstart $((SECONDS - start)) "$log" "$results/quickstart.xml"
}

tier_sanitize() {
  build_preset sanitize || {
    broken sanitize "does not build"
    return
  }
  say "sanitize"
  export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
  find "$checkout/build/sanitize" -name '*.gcda' -delete
  # The corpus over the overlay once: it is the same code in a user namespace.
  run_ctest sanitize "$checkout/build/sanitize" -E 'OfTheCorpus/UserNamespace'
  python3 -B tests/lab/coverage.py "$checkout/build/sanitize" 2>"$results/coverage.log" ||
    broken coverage "could not be counted" "$results/coverage.log"
  thread_sanitizer
}

# What has threads: the walk, and the copying that hangs on it. Comparisons of verdicts, which only take longer
# there, are left to the others.
thread_sanitizer() {
  local start=$SECONDS log=$results/threads.log folder
  local -a files=()
  build_preset threads || {
    broken threads "does not build"
    return
  }
  say "sanitize: threads"
  : >"$log"
  for folder in ignore copy; do
    files+=("$results/user/threads-$folder.xml")
    # Where the kernel scatters addresses more widely than TSan's shadow allows, it can't start.
    TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1 setarch -R \
      "$enter" "${corpus_bind[@]}" host "$checkout/build/threads/tests/unit/test_$folder" --gtest_brief=1 \
      --gtest_filter='-Corpus.*:Gitignore.*:Property.*' --gtest_output="xml:${files[-1]}" >>"$log" 2>&1 || true
  done
  collect threads $((SECONDS - start)) "$log" "${files[@]}"
  grep -A30 -E 'Failure$|WARNING: ThreadSanitizer' "$log" | head -n 80 || true
}

# An input at which a target fails is in the build directory: its output names the file.
tier_fuzz() {
  local counts
  build_preset fuzz || {
    broken fuzz "does not build"
    return
  }
  run_ctest fuzz "$checkout/build/fuzz" --tests-regex '^libfuzzer\.'
  counts=$(awk '/ Test: libfuzzer\./ { sub(/.*\./, ""); name = $0 }
    /^stat::number_of_executed_units:/ { printf "%s %d, ", name, $2; sum += $2 }
    END { print "together " sum + 0 }' "$checkout/build/fuzz/Testing/Temporary/LastTest.log")
  summary+=("$(printf '%-22s %s' 'fuzz: executions' "$counts")")
}

# suites_as WORLD USER: the engine tests, then those of the command line.
suites_as() {
  local world=$1 user=$2 suite
  local -a options=()
  [[ $user == rootful ]] || options=(--user)
  for suite in engines cli; do
    OCI_CNB_STAGE=$checkout/build/stage "$enter" "${options[@]}" "${corpus_bind[@]}" "$world" \
      python3 -B -m pytest "tests/$suite" -q --tb=short \
      --junit-xml="$results/user/$suite-$world-$user.xml" >"$results/$suite-$world-$user.log" 2>&1 ||
      true
  done
}

# Rootful and rootless at the same time: neither sees the other.
tier_engines() {
  local world=$1 start=$SECONDS
  if [[ $world != host ]] && ! tests/lab/tree.sh "$world" >/dev/null; then
    cannot "$world" "no Debian $world tree could be made"
    return
  fi
  suites_as "$world" rootful &
  suites_as "$world" rootless
  wait
  pytests "$start" {engines,cli}-"$world"-{rootful,rootless}
}

tier_host() { tier_engines host; }
tier_trixie() { tier_engines trixie; }

# The three worlds at the same time: most of it is waiting for containers.
tier_kubernetes() {
  local start=$SECONDS world
  local -a worlds=()
  for world in host trixie sid; do
    if [[ $world != host ]] && ! tests/lab/tree.sh "$world" >/dev/null; then
      cannot "kubernetes-$world" "no Debian $world tree could be made"
      continue
    fi
    worlds+=("$world")
    OCI_CNB_STAGE=$checkout/build/stage "$enter" "$world" \
      python3 -B -m pytest tests/kubernetes -q --tb=short \
      --junit-xml="$results/user/kubernetes-$world.xml" >"$results/kubernetes-$world.log" 2>&1 || true &
  done
  wait
  pytests "$start" "${worlds[@]/#/kubernetes-}"
}

# runtime_in WORLD NAME [OPTION]...
runtime_in() {
  local world=$1 name=$2
  shift 2
  OCI_CNB_STAGE=$checkout/build/stage "$enter" "$@" "$world" \
    python3 -B -m pytest tests/runtime -q --tb=short \
    --junit-xml="$results/user/$name.xml" >"$results/$name.log" 2>&1 || true
}

# Two worlds at a time.
tier_runtime() {
  local start=$SECONDS world
  local -a names=(runtime-host runtime-host-user)
  (runtime_in host runtime-host; runtime_in host runtime-host-user --user) &
  for world in trixie sid; do
    if ! tests/lab/tree.sh "$world" >/dev/null; then
      cannot "runtime-$world" "no Debian $world tree could be made"
      continue
    fi
    runtime_in "$world" "runtime-$world"
    names+=("runtime-$world")
  done
  wait
  pytests "$start" "${names[@]}"
}

# Rootful and rootless at the same time.
tier_build() {
  local start=$SECONDS user lifecycle
  local -a options=()
  if ! lifecycle=$(tests/lab/lifecycle.sh); then
    cannot build "there is no CNB lifecycle"
    return
  fi
  for user in rootful rootless; do
    [[ $user == rootful ]] || options=(--user)
    OCI_CNB_STAGE=$checkout/build/stage CNB_LIFECYCLE_DIR=$lifecycle \
      "$enter" "${options[@]}" --bind "$lifecycle" host python3 -B -m pytest tests/build -q --tb=short \
      --junit-xml="$results/user/build-$user.xml" >"$results/build-$user.log" 2>&1 || true &
  done
  wait
  pytests "$start" build-{rootful,rootless}
}

# Rootful and rootless at the same time.
tier_kernels() {
  local start=$SECONDS user
  local -a options=()
  for user in rootful rootless; do
    [[ $user == rootful ]] || options=(--user)
    OCI_CNB_STAGE=$checkout/build/stage "$enter" "${options[@]}" host python3 -B -m pytest \
      tests/kernels -q --tb=short \
      --junit-xml="$results/user/kernels-$user.xml" >"$results/kernels-$user.log" 2>&1 || true &
  done
  wait
  pytests "$start" kernels-{rootful,rootless}
}

# Rootful and rootless at the same time, on the same file systems.
tier_filesystems() {
  local start=$SECONDS user log=$results/filesystems.log
  OCI_CNB_STAGE=$checkout/build/stage "$enter" host tests/filesystems/run.sh "$results/user" \
    >"$log" 2>&1 || true
  told "$log"
  for user in rootful rootless; do
    collect "filesystems-$user" $((SECONDS - start)) "$log" "$results/user/filesystems-$user.xml"
  done
}

# The suite inside counts for itself; the tests outside see what became of it.
tier_guest() {
  local start=$SECONDS log=$results/guest.log kernel
  if [[ $(uname -m) != x86_64 ]]; then
    cannot guest "it is written for x86_64 alone"
    return
  fi
  if ! kernel=$(tests/lab/kernel.sh); then
    cannot guest "Debian's kernel could not be fetched and unpacked"
    return
  fi
  OCI_CNB_STAGE=$checkout/build/stage OCI_CNB_KERNEL=$kernel OCI_CNB_RESULTS=$results/user/guest-inside.xml \
    "$enter" --bind "$kernel" host python3 -B -m pytest tests/guest -q --tb=short \
    --junit-xml="$results/user/guest.xml" >"$log" 2>&1 || true
  told "$log"
  collect guest $((SECONDS - start)) "$log" "$results/user/guest.xml" "$results/user/guest-inside.xml"
}

# faults_as NAME OPTIONS_OF_ENTER PREFIX TEST...
faults_as() {
  local name=$1
  local -a options=() prefix=()
  read -ra options <<<"$2"
  read -ra prefix <<<"$3"
  shift 3
  OCI_CNB_STAGE=$checkout/build/stage "$enter" "${options[@]}" host "${prefix[@]}" \
    python3 -B -m pytest "$@" -q --tb=short \
    --junit-xml="$results/user/$name.xml" >"$results/$name.log" 2>&1 || true
}

# At the same time: rootful, and in a user namespace as podman's, where it calls a user's hooks.
tier_faults() {
  local start=$SECONDS
  local -r as_podman='unshare --user --map-root-user --map-auto --mount --propagation slave'
  faults_as faults-rootful '' '' tests/faults &
  faults_as faults-rootless --user "$as_podman" tests/faults/test_{errors,kill,fuse,copy}.py
  wait
  pytests "$start" faults-{rootful,rootless}
}

# load_as NAME [OPTION]...
load_as() {
  local name=$1
  shift
  OCI_CNB_STAGE=$checkout/build/stage "$enter" "$@" host python3 -B -m pytest tests/load -q --tb=short \
    --junit-xml="$results/user/$name.xml" >"$results/$name.log" 2>&1 || true
}

# At the same time: neither sees the other, and both together are the load.
tier_load() {
  local start=$SECONDS
  load_as load-rootful &
  load_as load-rootless --user
  wait
  pytests "$start" load-{rootful,rootless}
}

# QEMU hands few of the mount calls on: these folders' tests need none.
readonly emulated=(base oci optin ignore environment bundle settings report)

tier_arm64() {
  local start=$SECONDS log=$results/arm64.log
  if ! OCI_CNB_SYSROOT=$(tests/lab/sysroot.sh arm64); then
    cannot arm64 "no sysroot could be made"
    return
  fi
  export OCI_CNB_SYSROOT
  build_preset arm64 programs "${emulated[@]/#/test_}" && (cd build/arm64 && rm -f ./*.deb && cpack -G DEB) \
    >"$log" 2>&1 || {
    broken arm64 "does not build" "$log"
    return
  }
  say arm64
  python3 -B -m pytest tests/arm64 -q --tb=short --junit-xml="$results/arm64.xml" >"$log" 2>&1 || true
  told "$log"
  collect arm64 $((SECONDS - start)) "$log" "$results/arm64.xml"
  # Verdicts on the corpus were compared on this machine.
  run_ctest arm64-unit "$checkout/build/arm64" -R "^($(IFS='|' && echo "${emulated[*]}"))\\." -E '^ignore\.(Corpus|Gitignore|Property)'
}

tier_package() {
  local start world log=$results/package.log
  (cd "$build" && rm -f ./*.deb ./*.rpm ./*.tar.gz && cpack) >"$log" 2>&1 || {
    broken package "cpack failed" "$log"
    return
  }
  for world in host trixie; do
    start=$SECONDS log=$results/package-$world.log
    "$enter" "$world" python3 -B -m pytest tests/packaging -q --tb=short \
      --junit-xml="$results/user/package-$world.xml" >"$log" 2>&1 || true
    pytests "$start" "package-$world"
  done
}

# --- all of it ------------------------------------------------------------------------------------

# A function, so that the whole script has been read before it starts: it may be edited meanwhile.
main() {
  local -a tiers=("$@")
  local tier
  [[ ${#tiers[@]} -gt 0 ]] || tiers=("${all_tiers[@]}")
  for tier in "${tiers[@]}"; do
    if [[ " ${all_tiers[*]} " != *" $tier "* ]]; then
      echo "tests/run.sh: unknown tier $tier; known: ${all_tiers[*]}" >&2
      exit 2
    fi
  done

  tests/lab/install.sh
  mkdir -p "$checkout/build"
  exec 9>"$checkout/build/run.lock"
  flock --nonblock 9 || {
    echo "tests/run.sh: another run uses ${build#"$checkout/"}" >&2
    exit 2
  }
  rm -rf "$results"
  mkdir -p "$results/user"
  chmod 1777 "$results/user"
  corpus_bind=()
  if [[ -d $corpus ]]; then
    corpus_bind=(--bind "$corpus")
    export OCI_CNB_CORPUS=$corpus
  fi

  if build_preset release && stage; then
    for tier in "${tiers[@]}"; do
      case $tier in
        unit | sanitize | fuzz | host | trixie | kubernetes | runtime | build | kernels | filesystems | guest | faults | load | package)
          if [[ $(id -u) -ne 0 ]]; then
            cannot "$tier" "the lab needs root"
            continue
          fi
          ;;
      esac
      [[ $tier == sanitize ]] || say "$tier"
      "tier_$tier"
    done
  else
    broken build "the release build or its installation failed"
  fi

  say "summary (logs in ${results#"$checkout/"})"
  printf '%s\n' "${summary[@]}"
  echo
  echo "$passed passed, $failed failed, $skipped skipped"
  [[ $failed -eq 0 ]]
}

main "$@"; exit
