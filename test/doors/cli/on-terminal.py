"""Runs a command on a terminal of its own: on-terminal.py ROWS COLS COMMAND ...

Standard input is typed into the terminal, standard output is what it shows. Lines on descriptor 3 are `size ROWS COLS` or `signal NUMBER`. The last
line on descriptor 4 is JSON: the exit status, and whether the terminal's modes are as they were at the start.
"""

import fcntl
import json
import os
import select
import struct
import sys
import termios


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    master, slave = os.openpty()
    set_size(slave, rows, columns)
    before = termios.tcgetattr(slave)
    pid = os.fork()
    if pid == 0:
        os.close(master)
        login(slave)
        os.closerange(3, 64)
        os.execvp(command[0], command)
    ended = os.pidfd_open(pid)
    sources, typed, lines = {master, 0, 3, ended}, b"", b""
    status = None
    while status is None or select.select([master], [], [], 0)[0]:
        readable, writable, _ = select.select(sources, [master] if typed else [], [])
        if master in readable:
            os.write(1, os.read(master, 65536))
        if writable:
            typed = typed[os.write(master, typed[:1024]) :]
        if 0 in readable:
            data = os.read(0, 65536)
            typed += data
            if not data:
                sources.discard(0)
        if 3 in readable:
            data = os.read(3, 4096)
            if not data:
                sources.discard(3)
            *whole, lines = (lines + data).split(b"\n")
            for line in whole:
                word, *numbers = line.split()
                if word == b"size":
                    set_size(slave, *map(int, numbers))
                    os.kill(pid, 28)
                else:
                    os.kill(pid, int(numbers[0]))
        if ended in readable:
            _, status = os.waitpid(pid, 0)
            sources -= {ended, 0, 3}
    restored = termios.tcgetattr(slave) == before
    os.write(4, json.dumps({"status": os.waitstatus_to_exitcode(status), "restored": restored}).encode())


def login(slave):
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)


main()
