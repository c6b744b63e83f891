import { basename, join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { chmod, existsSync, mkdir, open, writeFile } from "../host/files.js";
import { runTool } from "../host/tool.js";
import { runCommand } from "../environments/debian/tools.js";
import { installError } from "./failure.js";
import { inToolchain } from "./installed.js";

const LOADER = "usr/lib64/ld-linux-x86-64.so.2";
const LIBRARIES = "usr/lib/x86_64-linux-gnu";
/** Directories that programs do not read. */
const LEFT_OUT = ["doc", "info", "lintian", "locale", "man"].map((name) => `--exclude=./usr/share/${name}`);

/** Programs that pyro runs outside the jail, where the host lacks them. */
const PROGRAMS = ["usr/bin/qemu-img", "usr/bin/bwrap", "usr/bin/prlimit", "usr/bin/xz", "usr/bin/mmdebstrap"].concat(
  ["mke2fs", "debugfs", "nft"].map((name) => `usr/sbin/${name}`),
);

const DEADLINE_MS = 30_000;

/** Unpacks one package. Owners and special bits of modes are dropped: nothing in a toolchain is setuid. */
export async function unpackPackage(archive: string, root: string, signal: AbortSignal): Promise<void> {
  const script =
    'dpkg-deb --fsys-tarfile "$1" | tar -x --no-same-owner --no-same-permissions -C "$2" "$3" "$4" "$5" "$6" "$7"';
  const { exitCode, stderr } = await runCommand(["sh", "-c", script, "pyro", archive, root, ...LEFT_OUT], { signal });
  if (exitCode !== 0) throw await installError(stderr.split("\n"), root);
}

/**
 * Writes a script for each program; the script finds the toolchain by its own path. A program that is a script itself needs an
 * interpreter of the host. When it does not run here, as mmdebstrap without Perl's modules, it gets no script and counts as missing.
 */
export async function writePrograms(root: string, signal: AbortSignal): Promise<void> {
  await mkdir(join(root, inToolchain.programs));
  for (const program of PROGRAMS) {
    if (!existsSync(join(root, program))) continue;
    const words = await commandOf("$root", program, join(root, program));
    if (words.length === 1 && !(await runs(join(root, program), signal))) continue;
    const quoted = words.map((word) => `"${word}"`).join(" ");
    const script = `#!/bin/sh\nroot=\${0%/${inToolchain.programs}/*}\nexec ${quoted} "$@"\n`;
    const path = join(root, inToolchain.programs, basename(program));
    await writeFile(path, script);
    await chmod(path, 0o755);
  }
}

/** The version that the toolchain's QEMU prints. Throws TOOLCHAIN_INSTALL_FAILED when it does not run on this host. */
export async function readVersionOfQemu(root: string, signal: AbortSignal): Promise<string> {
  const path = join(root, inToolchain.qemu);
  const [program = "", ...words] = existsSync(path) ? await commandOf(root, inToolchain.qemu.slice(1), path) : [];
  const ran =
    program === "" ? null : await runTool(program, [...words, "--version"], { signal, timeoutMs: DEADLINE_MS });
  const version = /version (\d.*)/.exec(ran?.stdout ?? "")?.[1];
  if (version !== undefined) return version;
  throw new PyroError("TOOLCHAIN_INSTALL_FAILED", "The toolchain's QEMU does not run on this host.", {
    hint: "The toolchain in use stays. Install QEMU from the host's own packages instead.",
    details: { reason: "does_not_run", lines: (ran?.stderr ?? "").split("\n").slice(-8) },
  });
}

/** The words that run a program outside the jail: with the toolchain's own loader, unless the program is a script. */
async function commandOf(root: string, program: string, path: string): Promise<string[]> {
  if (!(await isElf(path))) return [`${root}/${program}`];
  return [`${root}/${LOADER}`, "--library-path", `${root}/${LIBRARIES}`, `${root}/${program}`];
}

async function isElf(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString("latin1") === "\x7fELF";
  } finally {
    await file.close();
  }
}

async function runs(path: string, signal: AbortSignal): Promise<boolean> {
  const ended = await runTool(path, ["--version"], { signal, timeoutMs: DEADLINE_MS }).catch(() => null);
  signal.throwIfAborted();
  return ended?.exitCode === 0;
}
