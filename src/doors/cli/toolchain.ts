import type { Client } from "../../client/client.js";
import type { ResultOf } from "../../contract/operations.js";
import { interruptible } from "./interruption.js";
import { jsonLine } from "./json-line.js";
import { openProgress } from "./progress.js";
import { renderMib } from "./size.js";

type Status = ResultOf<"toolchain.status">;

/** `pyro toolchain install`: progress on standard error, one line at the end. */
export function installToolchain(client: Client, _input: object, json: boolean): Promise<number> {
  return interruptible(json, async ({ signal }) => {
    const progress = openProgress("toolchain", { prefix: "toolchain", isEnvironment: false });
    try {
      const result = await client.call(
        "toolchain.install",
        {},
        {
          signal,
          onEvent: (event) => {
            if (event.event === "progress") progress.show(event);
          },
        },
      );
      progress.clear();
      process.stdout.write(json ? jsonLine(result) : renderInstalled(result));
      return 0;
    } finally {
      progress.clear();
    }
  });
}

function renderInstalled({ changed, installed, qemu_source }: ResultOf<"toolchain.install">): string {
  const what = `QEMU ${installed?.qemu_version} (${renderMib(installed?.size_bytes ?? 0)})`;
  const unused = qemu_source === "private" ? "" : " PYRO_TOOLCHAIN prevents its use.";
  return `${changed ? `Installed ${what}; the next VM uses it.` : `${what} is the newest version and was already installed.`}${unused}\n`;
}

export function renderToolchain({ qemu_source, qemu_version, qemu_path, installed }: Status): string {
  const inUse =
    qemu_source === null ? "none" : `${qemu_version}, ${qemu_source === "private" ? "private" : "of the host"}`;
  const lines = [
    `QEMU of the next VM: ${inUse}`,
    ...(qemu_path === null ? [] : [`Path: ${qemu_path}`]),
    installed === null
      ? "Private toolchain: not installed; `pyro toolchain install` fetches it"
      : `Private toolchain: ${installed.id}, QEMU ${installed.qemu_version}`,
    ...(installed === null
      ? []
      : [
          `Packages: ${installed.packages.length} of Debian ${installed.suite}, ${renderMib(installed.size_bytes)}`,
          `Installed at: ${installed.installed_at}`,
        ]),
  ];
  return `${lines.join("\n")}\n`;
}

export function renderRemoved({ removed, kept, freed_bytes }: ResultOf<"toolchain.remove">): string {
  const lines = [
    ...(removed.length + kept.length === 0 ? ["No private toolchain is installed."] : []),
    ...removed.map((id) => `Removed toolchain ${id}, ${renderMib(freed_bytes)}.`),
    ...kept.map((id) => `Kept toolchain ${id}: running VMs use it. \`pyro env prune\` removes it later.`),
  ];
  return `${lines.join("\n")}\n`;
}
