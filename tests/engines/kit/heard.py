"""Clients that may lose on a busy machine what a container has printed."""

ATTEMPTS = 10


def heard(run, lost):
    """What run() gives, a call of `ctr run` or `podman run` whose container is known to print something. ctr closes
    its end of the pipes when the process has ended, whether it has read them or not (containerd/containerd#8643);
    podman may attach too late. A run that ended well and whose last words are lost proves nothing, and is done
    again."""
    for _ in range(ATTEMPTS):
        result = run()
        if not lost(result):
            break
    return result
