import { readFileSync } from "node:fs";
import { join } from "node:path";

import { runTool } from "../../src/host/tool.js";
import { CURRENT, readToolchain } from "../../src/toolchain/installed.js";
import { parseReport, type Report } from "./report.js";

/** The files that the outer VM boots from, and the file for its console. */
export interface OuterFiles {
  readonly kernel: string;
  readonly initrd: string;
  readonly system: string;
  readonly payload: string;
  readonly console: string;
}

/** The QEMU to emulate with: of a private toolchain, which emulates faster, or the host's. */
export async function findQemu(home: string): Promise<{ words: string[]; version: string }> {
  const toolchain = await readToolchain(join(home, "toolchain", CURRENT));
  if (toolchain === null) return { words: ["qemu-system-x86_64"], version: "the host's QEMU" };
  const at = (path: string) => join(toolchain.path, "usr", path);
  const libraries = ["--library-path", at("lib/x86_64-linux-gnu")];
  const firmware = ["-L", at("share/qemu"), "-L", at("share/seabios")];
  const qemu = [at("lib64/ld-linux-x86-64.so.2"), ...libraries, at("bin/qemu-system-x86_64"), ...firmware];
  return { words: qemu, version: `QEMU ${toolchain.qemuVersion}` };
}

/** QEMU's arguments: a processor with emulated SVM; disks whose changes are thrown away; the report on the second serial port. */
export function buildQemuWords({ kernel, initrd, system, payload, console }: OuterFiles): string[] {
  const drive = (file: string) => ["-drive", `file=${file},format=raw,if=virtio,cache=unsafe,snapshot=on`];
  return [
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    ...["-machine", "q35", "-accel", "tcg,thread=multi,tb-size=512", "-cpu", "EPYC,+svm,+npt,la57=off"],
    ...["-smp", "2", "-m", "5G"],
    ...["-kernel", kernel, "-initrd", initrd, ...drive(system), ...drive(payload)],
    ...["-append", "console=ttyS0 root=/dev/vda rw init=/test-init mitigations=off nokaslr panic=-1"],
    ...["-serial", `file:${console}`, "-serial", "stdio"],
  ];
}

/** Runs the outer VM to its end and passes its reports on. Throws when it ended before its last report. */
export async function runOuterVm(
  qemu: readonly string[],
  files: OuterFiles,
  onReport: (report: Report) => void,
  signal: AbortSignal,
): Promise<void> {
  let isWhole = false;
  const onStdoutLine = (line: string) => {
    const report = parseReport(line);
    if (report === null) return;
    isWhole ||= report.kind === "end";
    onReport(report);
  };
  // It dies with this process in any case, and leaves the processors to other programs.
  const words = ["--pdeathsig", "KILL", "nice", "-n", "5", ...qemu, ...buildQemuWords(files)];
  const { exitCode, stderr } = await runTool("setpriv", words, { signal, onStdoutLine });
  if (!isWhole) throw new Error(`the outer VM ended early, with status ${exitCode}: ${stderr.trim().slice(-400)}`);
}

/** The end of the outer VM's console, which shows how far it got. */
export function readConsoleEnd(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split(/\r?\n/).slice(-15).join("\n");
  } catch {
    return "";
  }
}
