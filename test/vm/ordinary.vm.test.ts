import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { execTask } from "../../src/client/task-exec.js";
import { VmScratch } from "./vm-scratch.js";

/** Things that people do on a fresh Debian server: each is a script for sh that must end with 0, and a pattern for its output. */
const ordinary: readonly (readonly [what: string, script: string, output?: RegExp])[] = [
  [
    "a lock in /run/lock, by any user",
    "cd /run/lock && su -s /bin/sh -c 'touch mine' nobody && ls /var/lock",
    /^mine$/m,
  ],
  [
    "directories of systemd-tmpfiles",
    "stat -c '%a %n' /run/sshd /run/user/0 /var/tmp /dev/shm /dev/mqueue",
    /^755 .*\n700 .*\n1777 .*\n1777 /,
  ],
  [
    "a package's tmpfiles.d",
    "echo 'd /run/mine 0711' >/usr/lib/tmpfiles.d/x.conf; systemd-tmpfiles --create x.conf; stat -c %a /run/mine",
    /^711$/m,
  ],
  ["df and mount", "df / /workspace && mount | grep ' on / '"],
  ["/etc/mtab", "grep ' / ' /etc/mtab", /overlay/],
  [
    "the host's own name",
    "getent hosts $(hostname -f); python3 -c 'import socket; print(socket.gethostbyname(\"localhost\"))'",
    /^127\.0\.1\.1[^]*^127\.0\.0\.1$/m,
  ],
  ["names of services and protocols", "getent services ssh; getent protocols udp", /22\/tcp/],
  [
    "an American locale, without a warning",
    "LANG=en_US.UTF-8 locale; LC_ALL=en_US.UTF-8 perl -e 1; LC_ALL=en_US.UTF-8 python3 -c 'import locale; print(locale.setlocale(0, \"\"))'",
    /^LANG=en_US.UTF-8[^]*^en_US.UTF-8$/m,
  ],
  ["a time zone", "TZ=Europe/Berlin date -d @0 +%Z%H", /^CET01$/m],
  ["who is there, and who was", "who; last"],
  [
    "file watches as on a desktop",
    "cd /proc/sys/fs/inotify && cat max_user_watches max_user_instances",
    /^524288\n1024$/m,
  ],
  ["a tmpfs", "mount -t tmpfs none /mnt && umount /mnt"],
  ["a file system in a file", "truncate -s 4M /tmp/i && mke2fs -q /tmp/i && mount -o loop /tmp/i /mnt && umount /mnt"],
  [
    "an overlay, as containers have",
    "mkdir /workspace/l /workspace/u /workspace/w && mount -t overlay o -o lowerdir=/workspace/l,upperdir=/workspace/u,workdir=/workspace/w /mnt && umount /mnt",
  ],
  ["FUSE, by any user", "su -s /bin/sh -c 'exec 3<>/dev/fuse' nobody && grep fuse /proc/filesystems", /fuse/],
  ["a tunnel", "ip tuntap add t0 mode tun && ip link show t0", /t0/],
  [
    "a bridge with a pair of interfaces, and a dummy",
    "ip link add b0 type bridge && ip link add v0 type veth peer name v1 && ip link set v0 master b0 && ip link add d0 type dummy && modprobe br_netfilter",
  ],
  [
    "firewall rules, old and new",
    "iptables -t nat -A POSTROUTING -o b0 -j MASQUERADE && iptables -t nat -S && nft add table inet mine && nft list tables",
    /MASQUERADE[^]*table inet mine/,
  ],
  [
    "namespaces of a network and of a user",
    "ip netns add n && ip netns exec n ip link show lo && su -s /bin/sh -c 'unshare -Urn id -u' nobody",
    /^0$/m,
  ],
  ["cgroups with controllers", "cat /sys/fs/cgroup/cgroup.controllers", /cpu .*memory .*pids/],
  [
    "a device-mapper and other nodes whose modules come when they are opened",
    "ls /dev/mapper/control /dev/loop-control /dev/net/tun",
  ],
  ["sockets and processes", "ss -ltn && ps aux | grep -q '[p]s aux'"],
  [
    "another user",
    "useradd -m -s /bin/bash alice && su - alice -c 'pwd; echo $PATH' && sudo -n -u alice id -un",
    /^\/home\/alice$[^]*^alice$/m,
  ],
  ["ping of localhost, by any user", "ping -c 1 -q localhost && su -s /bin/sh -c 'ping -c 1 -q 127.0.0.1' nobody"],
  ["limits of files", "ulimit -n; ulimit -Hn", /^1024\n524288$/m],
  ["a terminal", "script -qec tty /dev/null", /\/dev\/pts\/0/],
  ["a virtual environment of Python", "python3 -m venv --without-pip /tmp/v && /tmp/v/bin/python -c 'import ssl'"],
  [
    "a queue between processes",
    "python3 -c 'import multiprocessing as m; q = m.Queue(); q.put(7); print(q.get())'",
    /^7$/m,
  ],
  [
    "a new repository, a commit and a clone",
    "cd /tmp && git init -q r && cd r && git commit -q --allow-empty -m x && git clone -q . ../r2 && git -C ../r2 log --format='%an %D'",
    /^root HEAD -> main/m,
  ],
  ["a repository of another user", "cd /tmp/r && chown -R nobody . && git status -s"],
  [
    "pip without being told that the system's Python is the VM's",
    'mkdir /tmp/p && cd /tmp/p && echo \'from setuptools import setup; setup(name="mine", version="1", py_modules=["mine"])\' >setup.py && echo \'print("it is mine")\' >mine.py && pip install -q --no-build-isolation --no-index . && cd / && python3 -m mine',
    /^it is mine$/m,
  ],
  ["a key for ssh", "ssh-keygen -q -t ed25519 -N '' -f /tmp/k && cat /tmp/k.pub", /^ssh-ed25519 /],
  [
    "a package of one's own",
    "mkdir -p /tmp/d/DEBIAN && printf 'Package: mine\\nVersion: 1\\nArchitecture: all\\nMaintainer: x <x@x>\\nDescription: x\\n' >/tmp/d/DEBIAN/control && dpkg-deb -b /tmp/d /tmp/d.deb && dpkg -i /tmp/d.deb && dpkg -s mine",
    /^Status: install ok installed$/m,
  ],
  ["a message for the log", "logger hello"],
  ["kernel settings", "sysctl -w net.ipv4.ip_forward=1 && sysctl vm.max_map_count", /= 1048576$/m],
];

const MARK = "=====";
let scratch: VmScratch;
let taskId: string;
let ended: string[];

/** All in one command: one command for each would take a minute under emulation. */
before(async () => {
  scratch = new VmScratch();
  const { stdout } = await scratch.pyro(["task", "create", "debian:12", "--json"]);
  taskId = (JSON.parse(stdout) as { task_id: string }).task_id;
  const script = ordinary.map(([, one]) => `( set -e; ${one}\n) 2>&1 </dev/null; echo "${MARK} $?"\n`).join("");
  const all = await scratch.pyro(["task", "exec", taskId, "--", "sh", "-s"], {
    input: script,
  });
  ended = all.stdout.split(/(?<=^===== \d+\n)/m);
});
after(() => scratch[Symbol.asyncDispose]());

for (const [index, [what, script, output]] of ordinary.entries()) {
  test(`a fresh VM has ${what}`, () => {
    const text = ended[index] ?? "it was not reached";
    assert.ok(text.endsWith(`${MARK} 0\n`), `${script}\n${text}`);
    assert.doesNotMatch(text, /warning|cannot set/i);
    if (output) assert.match(text, output);
  });
}

async function exec(command: string, env: Record<string, string> = {}) {
  const { stdout, exit_code } = await execTask(scratch.client, { task_id: taskId, command, cwd: "/", env }, {});
  return { stdout, exit_code };
}

test("the next command finds programs in ~/.local/bin, and has the variables of /etc/environment", async () => {
  await exec(
    "mkdir -p ~/.local/bin && printf '#!/bin/sh\\necho mine' >~/.local/bin/tool && chmod +x ~/.local/bin/tool",
  );
  await exec("echo 'GREETING=\"hello there\"' >>/etc/environment");
  assert.equal((await exec('tool; echo "$GREETING"')).stdout, "mine\nhello there\n");
  assert.equal((await exec('echo "$GREETING"', { GREETING: "from the caller" })).stdout, "from the caller\n");
});

test("the next command has the variables that an installer wrote into ~/.profile, and finds programs in ~/.local/bin", async () => {
  await exec(
    "mkdir -p ~/.cargo/bin && ln -s /bin/echo ~/.cargo/bin/cargo && echo '. \"$HOME/.cargo/env\"' >>~/.profile",
  );
  await exec('echo \'export PATH="$HOME/.cargo/bin:$PATH" CARGO="a  b"\' >~/.cargo/env');
  const { stdout } = await exec('cargo there; tool; echo "$CARGO"; echo "$PWD"');
  assert.equal(stdout, "there\nmine\na  b\n/\n");
  assert.equal((await exec("exit 7")).exit_code, 7);
});

test("a broken ~/.profile does not keep commands from running", async () => {
  await exec("echo 'if then fi (' >>~/.profile");
  assert.equal((await exec("echo here")).stdout, "here\n");
});
