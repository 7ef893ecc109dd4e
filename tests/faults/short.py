"""A program whose reads and writes give and take no more than a few bytes at a time.

By ptrace(2), which makes the count smaller before the kernel sees it: the data are those that there
are, where strace could only claim a number.
"""

import ctypes
import os
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
TRACEME, GETREGS, SETREGS, SYSCALL, SETOPTIONS, SYSCALL_INFO = 0, 12, 13, 24, 0x4200, 0x420E
TRACESYSGOOD, EXITKILL = 1, 1 << 20
SYSCALL_STOP = signal.SIGTRAP | 0x80
ENTRY = 1  # PTRACE_SYSCALL_INFO_ENTRY
CALLS = {0: "read", 1: "write"}  # of x86-64


class Registers(ctypes.Structure):
    """user_regs_struct of x86-64 (sys/user.h)."""

    _fields_ = [(name, ctypes.c_ulonglong) for name in (
        "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss "
        "fs_base gs_base ds es fs gs").split()]


def _ptrace(request, pid, address=None, data=None):
    LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    LIBC.ptrace.restype = ctypes.c_long
    if LIBC.ptrace(request, pid, address, data) < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace {request:#x}: {os.strerror(number)}")


def _enters(pid):
    """A system call, and doesn't come back from it."""
    info = ctypes.create_string_buffer(128)
    _ptrace(SYSCALL_INFO, pid, len(info), ctypes.addressof(info))
    return info.raw[0] == ENTRY


def _shorten(pid, most):
    """The call, where it asked for more."""
    registers = Registers()
    _ptrace(GETREGS, pid, None, ctypes.addressof(registers))
    name = CALLS.get(registers.orig_rax)
    if name is None or registers.rdx <= most:
        return None
    registers.rdx = most
    _ptrace(SETREGS, pid, None, ctypes.addressof(registers))
    return name


def _traced(words, stdin, stderr):
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(stdin, 0)
            os.dup2(stderr, 2)
            _ptrace(TRACEME, 0)
            os.execv(words[0], words)
        finally:
            os._exit(127)
    return pid


def run(words, document, most, limit):
    """(exit status, stderr, {call: how often it was cut short}); limit: seconds."""
    stdin, stdin_writer = os.pipe()
    stderr_reader, stderr = os.pipe()
    os.write(stdin_writer, document)  # fits into a pipe
    pid = _traced(words, stdin, stderr)
    for descriptor in (stdin, stdin_writer, stderr):
        os.close(descriptor)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(pid, signal.SIGKILL))
    signal.alarm(limit)
    counted, (_, status) = {}, os.waitpid(pid, 0)
    if os.WIFSTOPPED(status):
        _ptrace(SETOPTIONS, pid, None, EXITKILL | TRACESYSGOOD)
    while os.WIFSTOPPED(status):
        number = os.WSTOPSIG(status)
        if number == SYSCALL_STOP and _enters(pid) and (name := _shorten(pid, most)):
            counted[name] = counted.get(name, 0) + 1
        own = number in (signal.SIGTRAP, SYSCALL_STOP)  # none for the program
        _ptrace(SYSCALL, pid, None, 0 if own else number)
        _, status = os.waitpid(pid, 0)
    signal.alarm(0)
    with os.fdopen(stderr_reader, "rb") as file:
        errors = file.read()
    return os.waitstatus_to_exitcode(status), errors.decode("utf-8", "backslashreplace"), counted
