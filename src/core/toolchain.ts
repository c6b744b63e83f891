import type { ResultOf } from "../contract/operations.js";
import type { Core, Handler } from "./core.js";

export const toolchainStatus: Handler<"toolchain.status"> = (core) => viewToolchain(core);

/** Fetches the newest toolchain and reports its progress. Later VMs use it; running VMs keep theirs. */
export const toolchainInstall: Handler<"toolchain.install"> = async (core, _input, call) => {
  let sent: Promise<void> = Promise.resolve();
  const { changed } = await core.toolchains.install({
    signal: call.signal,
    onProgress: ({ phase, message, fraction }) => {
      // A caller that disconnected aborts the signal; its progress is dropped.
      sent = sent.then(() => call.emit({ event: "progress", phase, message, fraction })).catch(() => {});
    },
  });
  await sent;
  if (changed) await core.machines.dropSpares();
  return { ...(await viewToolchain(core)), changed };
};

/** Later VMs use the host's QEMU. A private toolchain stays while running VMs use it. */
export const toolchainRemove: Handler<"toolchain.remove"> = async ({ machines, toolchains }) => {
  await machines.dropSpares();
  const { removed, inUse, freedBytes } = await toolchains.remove();
  return { removed: [...removed], kept: [...inUse], freed_bytes: freedBytes };
};

/** The QEMU of the next VM, and the toolchain in the home. */
async function viewToolchain({ backends, toolchains }: Core): Promise<ResultOf<"toolchain.status">> {
  const engine = await backends.vms.engine();
  const installed = await toolchains.installed();
  return {
    qemu_source: engine?.source ?? null,
    qemu_version: engine?.version ?? null,
    qemu_path: engine?.path ?? null,
    installed: installed && {
      id: installed.id,
      path: installed.path,
      qemu_version: installed.qemuVersion,
      suite: installed.manifest.suite,
      installed_at: installed.manifest.installed_at,
      size_bytes: installed.manifest.size_bytes,
      packages: installed.manifest.packages,
    },
  };
}
