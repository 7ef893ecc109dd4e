# fish completion of oci-cnb(1)

# The subcommand on the command line is exactly these words.
function __oci_cnb_at
    set -l words (commandline -opc)
    set -e words[1]
    set -l found
    for word in $words
        string match -q -- '-*' $word; or set -a found $word
    end
    test (count $found) -ge (count $argv); or return 1
    test "$found[1..$(count $argv)]" = "$argv"
end

function __oci_cnb_is
    set -l words (commandline -opc)
    set -e words[1]
    test "$words" = "$argv"
end

complete -c oci-cnb -f
complete -c oci-cnb -l help -d 'Show help'
complete -c oci-cnb -n '__oci_cnb_is' -l version -d 'Show the version'
complete -c oci-cnb -n '__oci_cnb_is' -a context -d 'What the ignore rules show and hide'
complete -c oci-cnb -n '__oci_cnb_is' -a preview -d 'Run a command in the filtered workspace'
complete -c oci-cnb -n '__oci_cnb_is' -a run -d 'Run a command in a container, without an engine'
complete -c oci-cnb -n '__oci_cnb_is' -a spec -d 'Work on a config.json of a bundle'
complete -c oci-cnb -n '__oci_cnb_is' -a session -d 'What containers left on disk'
complete -c oci-cnb -n '__oci_cnb_is' -a explain -d 'Why a container was refused'
complete -c oci-cnb -n '__oci_cnb_is' -a config -d 'The settings that count'
complete -c oci-cnb -n '__oci_cnb_is' -a doctor -d 'What this machine can do'
complete -c oci-cnb -n '__oci_cnb_is' -a install -d 'Make an engine call the hooks'
complete -c oci-cnb -n '__oci_cnb_is' -a uninstall -d 'Undo that'
complete -c oci-cnb -n '__oci_cnb_is' -a node -d 'The hooks on a Kubernetes node'

complete -c oci-cnb -n '__oci_cnb_is context' -a 'list masks explain stats'
for command in list masks explain stats
    complete -c oci-cnb -n "__oci_cnb_at context $command" -F
    complete -c oci-cnb -n "__oci_cnb_at context $command" -l ignore-file -rF -d 'Rules from this file'
    complete -c oci-cnb -n "__oci_cnb_at context $command" -l json -d 'JSON on stdout'
end
complete -c oci-cnb -n '__oci_cnb_at context list' -l tree -d 'As a tree'
complete -c oci-cnb -n '__oci_cnb_at context list' -s 0 -d 'NUL behind each path'
complete -c oci-cnb -n '__oci_cnb_at context masks' -s 0 -d 'NUL behind each path'

complete -c oci-cnb -n '__oci_cnb_at preview' -F
complete -c oci-cnb -n '__oci_cnb_at preview' -l ignore-file -rF -d 'Rules from this file'
complete -c oci-cnb -n '__oci_cnb_at preview' -l scratch -xa 'disk tmpfs' -d 'Where changes are kept'
complete -c oci-cnb -n '__oci_cnb_at preview' -l json -d 'JSON on stdout'

for command in run 'spec generate'
    complete -c oci-cnb -n "__oci_cnb_at $command" -F
    complete -c oci-cnb -n "__oci_cnb_at $command" -l rootfs -xa '(__fish_complete_directories)' -d 'Root file system'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l cnb -xa '(__fish_complete_directories)' -d 'For /cnb'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l layers -xa '(__fish_complete_directories)' -d 'For /layers'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l platform -xa '(__fish_complete_directories)' -d 'For /platform'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l session -x -d 'Session'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l annotation -x -d 'Annotation'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l hostname -x -d 'Host name'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l network -xa 'none host' -d 'Network'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l readonly-rootfs -d 'Read-only root'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l role -xa 'dev build detect launch' -d 'Set the role'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l hooks-dir -xa '(__fish_complete_directories)' -d 'Hook programs'
    complete -c oci-cnb -n "__oci_cnb_at $command" -s e -l env -x -d 'Variable'
    complete -c oci-cnb -n "__oci_cnb_at $command" -s u -l user -x -d 'User'
    complete -c oci-cnb -n "__oci_cnb_at $command" -s t -l tty -d 'A terminal'
end
complete -c oci-cnb -n '__oci_cnb_at spec generate' -s b -l bundle -xa '(__fish_complete_directories)' -d 'Bundle'
complete -c oci-cnb -n '__oci_cnb_at spec generate' -s o -l output -rF -d 'File'
complete -c oci-cnb -n '__oci_cnb_at spec generate' -s f -l force -d 'Replace a file'

complete -c oci-cnb -n '__oci_cnb_is spec' -a 'generate apply validate'
for command in apply validate
    complete -c oci-cnb -n "__oci_cnb_at spec $command" -F
    complete -c oci-cnb -n "__oci_cnb_at spec $command" -s b -l bundle -xa '(__fish_complete_directories)' -d 'Bundle'
end
complete -c oci-cnb -n '__oci_cnb_at spec apply' -l role -xa 'dev build detect launch' -d 'Set the role'
complete -c oci-cnb -n '__oci_cnb_at spec apply' -l hooks-dir -xa '(__fish_complete_directories)' -d 'Hook programs'
complete -c oci-cnb -n '__oci_cnb_at spec apply' -s i -l in-place -d 'Replace the file'
complete -c oci-cnb -n '__oci_cnb_at spec validate' -l format -xa 'text json' -d 'Output'
complete -c oci-cnb -n '__oci_cnb_at spec validate' -l json -d 'JSON on stdout'
complete -c oci-cnb -n '__oci_cnb_at spec validate' -l rules -d 'List the rules'

complete -c oci-cnb -n '__oci_cnb_is session' -a 'list diff export apply rm gc log'
for command in list diff gc
    complete -c oci-cnb -n "__oci_cnb_at session $command" -l json -d 'JSON on stdout'
end

function __oci_cnb_sessions
    oci-cnb session list 2>/dev/null | awk 'NR > 1 && $1 !~ /:$/ { print $1 }'
end
for command in diff export apply rm log
    complete -c oci-cnb -n "__oci_cnb_at session $command" -a '(__oci_cnb_sessions)'
end

complete -c oci-cnb -n '__oci_cnb_at session diff' -s 0 -d 'NUL behind each line'
complete -c oci-cnb -n '__oci_cnb_at session export' -l output -rF -d 'To this file'
complete -c oci-cnb -n '__oci_cnb_at session apply' -l yes -d 'Without asking'
complete -c oci-cnb -n '__oci_cnb_at session apply' -l force -d 'Also over what was changed'
complete -c oci-cnb -n '__oci_cnb_at session apply' -l dry-run -d 'Only shows'

complete -c oci-cnb -n '__oci_cnb_at explain' -a 'usage state config annotation settings ignore-file source layout environment ids scratch session system'

set -l keys platform-api experimental-mode cnb-dir scratch-dir session-idle scratch enforce log runtime way copy copy-limit
complete -c oci-cnb -n '__oci_cnb_is config' -a 'list get set unset'
complete -c oci-cnb -n '__oci_cnb_at config list' -l json -d 'JSON on stdout'
complete -c oci-cnb -n '__oci_cnb_at config get' -a "$keys"
complete -c oci-cnb -n '__oci_cnb_at config unset' -a "$keys"
complete -c oci-cnb -n '__oci_cnb_at config set' -a (string join ' ' -- $keys=)
for command in list get set unset
    complete -c oci-cnb -n "__oci_cnb_at config $command" -l root -xa '(__fish_complete_directories)' -d 'Where the / of the machine is'
end
for command in set unset
    complete -c oci-cnb -n "__oci_cnb_at config $command" -l dry-run -d 'Print what would change'
end

complete -c oci-cnb -n '__oci_cnb_at doctor' -l json -d 'JSON on stdout'
complete -c oci-cnb -n '__oci_cnb_at doctor' -l report -d 'For a bug report'

for command in install uninstall
    complete -c oci-cnb -n "__oci_cnb_at $command" -xa 'podman containerd crio docker'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l user -d 'For your own podman'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l root -xa '(__fish_complete_directories)' -d 'Where the / of the machine is'
    complete -c oci-cnb -n "__oci_cnb_at $command" -l dry-run -d 'Print what would change'
end
complete -c oci-cnb -n '__oci_cnb_at install' -l without-nri -d 'For containerd 1.6'

complete -c oci-cnb -n '__oci_cnb_is node' -a 'install uninstall wait'
for command in install uninstall
    complete -c oci-cnb -n "__oci_cnb_at node $command" -l root -xa '(__fish_complete_directories)' -d 'Where the / of the node is'
    complete -c oci-cnb -n "__oci_cnb_at node $command" -l dry-run -d 'Print what would change'
end
complete -c oci-cnb -n '__oci_cnb_at node install' -l engine -xa 'containerd crio' -d 'Whose handler'
complete -c oci-cnb -n '__oci_cnb_at node install' -l without-nri -d 'For containerd 1.6'
complete -c oci-cnb -n '__oci_cnb_at node install' -l handler -x -d 'Name of the handler'
complete -c oci-cnb -n '__oci_cnb_at node install' -l based-on -x -d 'Handler whose runtime is used'
complete -c oci-cnb -n '__oci_cnb_at node install' -l programs -xa '(__fish_complete_directories)' -d 'Programs'
