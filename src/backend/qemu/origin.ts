import { createHash } from "node:crypto";
import { join } from "node:path";

import { z } from "zod";

import { PyroError } from "../../contract/errors.js";
import type { VmShape } from "../backend.js";
import { acceleratorSchema } from "./accelerator.js";
import { buildQemuArgs } from "./argv.js";
import { readIdentity, type Template } from "./template.js";
import type { Toolchain } from "./toolchain.js";

/** The template and the QEMU of a VM. Its snapshots are valid for these only. */
export const originSchema = z.object({
  /** Key of its template. */
  template: z.string().regex(/^[0-9a-f]+$/),
  /** Which template of that key it was. */
  identity: z.string(),
  qemu: z.string(),
  /** A digest of the arguments of a QEMU that starts from a snapshot. */
  arguments: z.string(),
  accelerator: acceleratorSchema,
  mem_mib: z.int().min(1),
});
export type Origin = z.infer<typeof originSchema>;

/** `sendsMail` is false for a VM from a snapshot of an earlier version. */
export function describeOrigin(template: Template, toolchain: Toolchain, shape: VmShape, sendsMail: boolean): Origin {
  const { key, identity, accelerator } = template;
  const args = buildQemuArgs({ accelerator, shape, traits: toolchain.traits, sendsMail }, "resume");
  return {
    ...{ template: key, identity, qemu: toolchain.qemuVersion, accelerator, mem_mib: shape.memMib },
    arguments: createHash("sha256").update(JSON.stringify(args)).digest("hex"),
  };
}

/** The template of a VM or snapshot. Throws FAILED_PRECONDITION when it was removed or replaced. */
export async function findTemplate(templatesPath: string, origin: Origin): Promise<Template> {
  const { template: key, identity, accelerator } = origin;
  const directory = join(templatesPath, key);
  if ((await readIdentity(directory)) === identity) return { key, directory, accelerator, identity };
  throw unusable("template_gone", "its template was removed or made again");
}

/** The template of a snapshot, and whether its guest sends mail, when this QEMU with these arguments can start from it. Throws FAILED_PRECONDITION. */
export async function requireTemplate(
  templatesPath: string,
  origin: Origin,
  toolchain: Toolchain,
  shape: VmShape,
): Promise<{ readonly template: Template; readonly sendsMail: boolean }> {
  const template = await findTemplate(templatesPath, origin);
  const { qemuVersion: now } = toolchain;
  if (now !== origin.qemu) throw unusable("qemu_changed", `it was made by QEMU ${origin.qemu}, and this is ${now}`);
  const made = [true, false].find(
    (sendsMail) => describeOrigin(template, toolchain, shape, sendsMail).arguments === origin.arguments,
  );
  if (made === undefined) throw unusable("arguments_changed", "another version of pyro made it");
  return { template, sendsMail: made };
}

function unusable(reason: string, what: string): PyroError {
  return new PyroError("FAILED_PRECONDITION", `The memory of the VM cannot be used: ${what}.`, {
    hint: "A snapshot needs the QEMU, the template and the version of pyro that made it.",
    details: { reason },
  });
}
