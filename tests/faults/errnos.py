"""What each system call of the mount hook may fail with.

From the ERRORS of its page in section 2 of the manual, in its order of likelihood; for the calls of
mounts that have no page, what fs/namespace.c and fs/fsopen.c answer. Left out are those

- that only a mistake of the caller brings about: EBADF, EFAULT, EINVAL, ENAMETOOLONG,
- that are answers about what is there, and so no faults: ENOENT, ENOTDIR, ELOOP, EEXIST, EISDIR,
  EXDEV, ENODATA, ENXIO; EACCES where a name is looked up; EMLINK of linkat, and EPERM of an openat
  with O_NOATIME, which have another way,
- EINTR and EAGAIN, after which the call is made again: test_interrupted_calls_are_made_again.
"""

FULL = "ENOSPC EDQUOT"
TABLE = "EMFILE ENFILE ENOMEM"
ERRORS = {name: errors.split() for name, errors in {
    "chdir": "ENOMEM EIO EACCES",
    "fchdir": "EACCES EIO",
    "openat": f"{TABLE} EPERM EOVERFLOW",
    "openat2": f"{TABLE} EPERM EOVERFLOW",
    "read": "EIO",
    "write": f"{FULL} EIO EFBIG EPERM",
    "close": f"EIO {FULL}",
    "fcntl": "EMFILE",
    "flock": "ENOLCK",
    "fsync": f"EIO {FULL} EROFS",
    "newfstatat": "ENOMEM EOVERFLOW",
    "statx": "ENOMEM EACCES",
    "fstatfs": "EIO ENOMEM EOVERFLOW ENOSYS",
    # Of its own errors only ENOENT is no mistake of the caller, and as good as an empty directory.
    # This is what file systems say.
    "getdents64": "EIO",
    "readlinkat": "EIO ENOMEM EACCES",
    "flistxattr": "ENOMEM EIO EOPNOTSUPP E2BIG",
    "fgetxattr": "ENOMEM EIO EOPNOTSUPP E2BIG",
    "fsetxattr": f"{FULL} EPERM EOPNOTSUPP",
    "mkdirat": f"{FULL} EACCES EMLINK ENOMEM EPERM EROFS",
    "mknodat": f"{FULL} EACCES ENOMEM EPERM EROFS",
    "linkat": f"{FULL} EACCES EIO ENOMEM EPERM EROFS",
    "fchmod": "EROFS EPERM EIO ENOMEM",
    "fchmodat": "EROFS EPERM EACCES EIO ENOMEM",
    "fchown": "EPERM EROFS EIO ENOMEM",
    "utimensat": "EPERM EACCES EROFS",
    "renameat": f"{FULL} EACCES EBUSY EMLINK ENOMEM EPERM EROFS",
    "renameat2": f"{FULL} EACCES EBUSY EMLINK ENOMEM EPERM EROFS",
    "unlinkat": "EIO EACCES EBUSY ENOMEM EPERM EROFS",
    "setns": "ENOMEM EPERM ESRCH",
    "capget": "EPERM ESRCH",
    "capset": "EPERM ESRCH",
    "prctl": "EPERM EACCES",
    "close_range": "ENOMEM EMFILE",
    "mount": "ENOMEM EPERM EACCES EBUSY EMFILE",
    "umount2": "ENOMEM EPERM EBUSY",
    "open_tree": f"{TABLE} EACCES EPERM",
    "move_mount": "ENOMEM EACCES EBUSY EPERM",
    "mount_setattr": "ENOMEM EBUSY EPERM ENOSPC",
    "fsopen": f"{TABLE} EPERM ENODEV",
    "fsconfig": "ENOMEM EACCES EBUSY EPERM ENODEV",
    "fsmount": f"{TABLE} EBUSY EPERM",
    # Of a container that joins others.
    "socketpair": f"{TABLE} EAFNOSUPPORT EOPNOTSUPP",
    "clone": "EAGAIN ENOMEM ENOSPC EPERM",
    "recvmsg": "ENOMEM ECONNREFUSED ENOTCONN",
    # Of poststop.
    "chmod": "EPERM EROFS EIO ENOMEM",
    "faccessat2": "ENOMEM EIO EROFS",
    # Of one that shows a source's owner as its own.
    "kill": "EPERM ESRCH",
    "wait4": "ECHILD",
    # Of one whose workspace is fuse-overlayfs, and of its helper.
    "access": "EIO ENOMEM EROFS",
    "setsid": "EPERM",
    "unshare": "ENOMEM EPERM ENOSPC EUSERS",
    "dup2": "EMFILE EBUSY",
    "pipe2": f"{TABLE}",
    "poll": "ENOMEM",
    "sendto": "ENOMEM ENOBUFS EPIPE ECONNRESET",
    "recvfrom": "ENOMEM ECONNRESET",
    "execve": "ENOMEM EACCES EIO EMFILE ENFILE",
    # Of one whose workspace is a copy.
    "copy_file_range": f"{FULL} EIO ENOMEM EFBIG",
    "syncfs": f"EIO {FULL}",
    "symlinkat": f"{FULL} EACCES EIO ENOMEM EPERM EROFS",
    "fchownat": "EROFS EACCES EIO ENOMEM",
    "ioctl": f"EOPNOTSUPP {FULL} EIO EPERM ETXTBSY",  # FICLONE
    # Of one that has something to log.
    "socket": f"{TABLE} EAFNOSUPPORT",
    "lseek": "EOVERFLOW",
}.items()}

# Newer than strace; the kernels without them are in tests/unit/sys, made with seccomp.
NUMBERED = {"syscall_0x1c9": "statmount", "syscall_0x1ca": "listmount"}
# Of the C library before main(), of its allocator and locks, or without a way to fail.
LEFT_OUT = {
    "execve", "brk", "arch_prctl", "set_tid_address", "set_robust_list", "rseq", "prlimit64",
    "readlink", "getrandom", "clock_nanosleep", "mprotect", "mmap", "munmap", "madvise", "futex", "clone3",
    "rt_sigaction", "rt_sigprocmask", "sched_getaffinity", "sched_yield", "umask", "getpid",
    "gettid", "geteuid", "getegid", "setfsuid", "setfsgid", "exit_group", *NUMBERED}
# A line names the function of the C library.
FUNCTIONS = {
    "newfstatat": "fstat|fstatat|stat", "openat2": "openat2|open", "openat": "openat|open",
    "fstatfs": "fstatfs|fstatvfs", "clone": "fork|clone|starting", "pipe2": "pipe2|starting",
    "utimensat": "futimens|utimensat", "unlinkat": "unlinkat|removed", "sendto": "send",
    "recvfrom": "recv", "wait4": "wait", "readlinkat": "readlinkat|permission to read",
    "ioctl": "FICLONE"}
INTERRUPTED = {
    "read", "write", "openat", "openat2", "flock", "fstatfs", "fsync", "recvmsg", "wait4", "close"}
