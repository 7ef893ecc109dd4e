# bash completion of oci-cnb(1)

_oci_cnb_words() {
  case "$1" in
    '') echo '--help --version context preview run spec session explain config doctor install uninstall node' ;;
    context) echo '--help list masks explain stats' ;;
    'context list') echo '--help --ignore-file --json --tree -0' ;;
    'context masks') echo '--help --ignore-file --json -0' ;;
    'context explain' | 'context stats') echo '--help --ignore-file --json' ;;
    preview) echo '--help --ignore-file --scratch --json' ;;
    spec) echo '--help generate apply validate' ;;
    run) echo '--help --role --rootfs --cnb --layers --platform --session --annotation --env --user --hostname --network --readonly-rootfs --tty --hooks-dir' ;;
    'spec generate') echo '--help --role --rootfs --cnb --layers --platform --session --annotation --env --user --hostname --network --readonly-rootfs --tty --hooks-dir --bundle --output --force' ;;
    'spec apply') echo '--help --bundle --role --hooks-dir --in-place' ;;
    'spec validate') echo '--help --bundle --format --json --rules' ;;
    session) echo '--help list diff export apply rm gc log' ;;
    'session list' | 'session gc') echo '--help --json' ;;
    'session diff') echo '--help --json -0' ;;
    'session export') echo '--help --output' ;;
    'session apply') echo '--help --yes --force --dry-run' ;;
    'session log' | 'session rm') echo '--help' ;;
    explain) echo '--help' ;;
    config) echo '--help list get set unset' ;;
    'config list') echo '--help --root --json' ;;
    'config get') echo '--help --root' ;;
    'config set' | 'config unset') echo '--help --root --dry-run' ;;
    doctor) echo '--help --json --report' ;;
    install) echo '--help --user --root --dry-run --without-nri' ;;
    uninstall) echo '--help --user --root --dry-run' ;;
    node) echo '--help install uninstall wait' ;;
    'node install') echo '--help --root --engine --without-nri --handler --based-on --programs --dry-run' ;;
    'node uninstall') echo '--help --root --dry-run' ;;
    'node wait') echo '--help' ;;
  esac
}

# Codes that `oci-cnb explain` knows, and keys of config.toml.
_oci_cnb_codes='usage state config annotation settings ignore-file source layout environment ids scratch session system'
_oci_cnb_keys='platform-api experimental-mode cnb-dir scratch-dir session-idle scratch enforce log runtime way copy copy-limit'

_oci_cnb_sessions() {
  oci-cnb session list 2> /dev/null | awk 'NR > 1 && $1 !~ /:$/ { print $1 }'
}

# The subcommand in the words before the cursor, for example "spec apply".
_oci_cnb_command() {
  local word command=
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
      ' context' | ' preview' | ' run' | ' spec' | ' session' | ' explain' | ' config' | ' doctor' | ' install' | ' uninstall' | ' node') command=$word ;;
      'context '[lmes]* | 'spec '[gav]* | 'session '[a-z]* | 'config '[lgsu]* | 'node '[iuw]*)
        [[ " $(_oci_cnb_words "$command") " == *" $word "* ]] && command+=" $word"
        ;;
    esac
  done
  echo "$command"
}

_oci_cnb() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command
  command=$(_oci_cnb_command)
  COMPREPLY=()
  case "$prev" in
    --role) mapfile -t COMPREPLY < <(compgen -W 'dev build detect launch' -- "$cur"); return ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$cur"); return ;;
    --scratch) mapfile -t COMPREPLY < <(compgen -W 'disk tmpfs tmpfs:' -- "$cur"); return ;;
    --engine) mapfile -t COMPREPLY < <(compgen -W 'containerd crio' -- "$cur"); return ;;
    --network) mapfile -t COMPREPLY < <(compgen -W 'none host' -- "$cur"); return ;;
    --hooks-dir | --bundle | --root | --programs | --rootfs | --cnb | --layers | --platform)
      mapfile -t COMPREPLY < <(compgen -d -- "$cur")
      return
      ;;
    --ignore-file) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  if [[ $cur != -* ]]; then
    case "$command" in
      install | uninstall)
        mapfile -t COMPREPLY < <(compgen -W 'podman containerd crio docker' -- "$cur")
        return
        ;;
      explain)
        mapfile -t COMPREPLY < <(compgen -W "$_oci_cnb_codes $(_oci_cnb_sessions)" -- "$cur")
        return
        ;;
      'session diff' | 'session export' | 'session apply' | 'session rm' | 'session log')
        mapfile -t COMPREPLY < <(compgen -W "$(_oci_cnb_sessions)" -- "$cur")
        return
        ;;
      'config get' | 'config unset') mapfile -t COMPREPLY < <(compgen -W "$_oci_cnb_keys" -- "$cur"); return ;;
      'config set')
        compopt -o nospace 2> /dev/null
        mapfile -t COMPREPLY < <(compgen -S = -W "$_oci_cnb_keys" -- "$cur")
        return
        ;;
      doctor) mapfile -t COMPREPLY < <(compgen -d -- "$cur"); return ;;
      'context '* | preview | run | 'spec '*) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    esac
  fi
  mapfile -t COMPREPLY < <(compgen -W "$(_oci_cnb_words "$command")" -- "$cur")
}

complete -o filenames -F _oci_cnb oci-cnb
