import { arch, release, type } from "node:os";
import { join } from "node:path";

import { PyroError } from "../contract/errors.js";
import { catalog } from "../environments/catalog.js";
import { diskUsageBytes } from "../host/disk.js";
import { readAddedCertificates } from "../host/trust.js";
import { viewLimits } from "./limits.js";
import type { Core, Handler } from "./core.js";
import { trustFilesOf, viewAuthority } from "./machines/network.js";

export const doctor: Handler<"doctor"> = async (core, input) => {
  const diagnosis = await core.backends.vms.diagnose();
  const { engine } = diagnosis;
  const path = join(core.home.path, "environments");
  const names = [...catalog.map(({ name }) => name), ...(await core.environments.listReferences())];
  const found = await Promise.all(names.map((name) => core.environments.find(name).catch(() => null)));
  const installed = names.filter((_, index) => found[index] !== null);
  const network = core.backends.vms.capabilities.network && diagnosis.networkProblem === null;
  return {
    ok: diagnosis.ok,
    platform: `${type()} ${release()} ${arch()}`,
    runtime: {
      ok: diagnosis.ok,
      qemu_version: engine?.version ?? null,
      qemu_path: engine?.path ?? null,
      qemu_source: engine?.source ?? null,
      jail: diagnosis.jail,
    },
    accelerator: {
      in_use: diagnosis.accelerator,
      reason: diagnosis.acceleratorReason,
      candidates: diagnosis.candidates.map((candidate) => ({ ...candidate })),
    },
    environment_cache: { path, installed, size_bytes: await diskUsageBytes(path) },
    capabilities: { vm_boot: diagnosis.ok, guest_exec: diagnosis.ok, guest_network: diagnosis.ok && network },
    networking: network
      ? "off unless asked for with --network, and then it works here"
      : "VMs can have no network here",
    host_ca: (await readAddedCertificates(trustFilesOf(input.network_host_env))).map(viewAuthority),
    limits: viewLimits(core.groups),
    isolation: core.isolation.view(diagnosis),
    problems: [...diagnosis.problems, ...(await buildProblems(core))],
  };
};

/** Problems that prevent building environments; installed ones still work. */
async function buildProblems({ environments }: Core): Promise<{ message: string; command: string }[]> {
  try {
    await environments.assertAbleToBuild();
    return [];
  } catch (error) {
    const { message, hint } = PyroError.from(error);
    return [{ message, command: `sudo ${hint}` }];
  }
}
