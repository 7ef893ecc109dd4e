"""`oci-cnb spec validate` and `apply` on documents that engines wrote."""

import json

from kit.engine import execute, must


def report(programs, document):
    """(exit code, the report) of `spec validate`."""
    result = execute([programs["oci-cnb"], "spec", "validate", "--json"], stdin=document)
    assert result.status in (0, 1), result
    return result.status, json.loads(result.stdout)


def findings(told):
    """{(id, severity)}"""
    return {(one["id"], one["severity"]) for one in told["findings"]}


def applied(programs, document, role):
    hooks = programs["oci-cnb-createruntime"].parent
    words = [programs["oci-cnb"], "spec", "apply", "--role", role, "--hooks-dir", hooks]
    return must(words, stdin=document).stdout


def _without_mount(document, destination):
    changed = json.loads(document)
    changed["mounts"] = [one for one in changed["mounts"] if one["destination"] != destination]
    return json.dumps(changed).encode()


def sound(programs, document, warnings=(), role="dev"):
    """No rule is broken: neither as the engine wrote the document, which mounts something at
    /workspace, nor with what a role changes. What is broken in it is found all the same."""
    status, told = report(programs, document)
    assert (status, told["errors"], told["role"]) == (0, 0, None), told
    assert findings(told) == {(rule, "warning") for rule in warnings}, told

    opted_in = applied(programs, document, role)
    status, told = report(programs, opted_in)
    assert (status, told["errors"], told["role"]) == (0, 0, role), told
    assert findings(told) == {(rule, "warning") for rule in warnings}, told

    for destination, rule in (("/proc", "mount-proc"), ("/workspace", "workspace-mount")):
        status, told = report(programs, _without_mount(opted_in, destination))
        assert status == 1 and (rule, "error") in findings(told), told
