import { join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { findProgram } from "../../host/find-program.js";
import { chmod, existsSync, mkdir, readdir, rename, rm, symlink, writeFileAtomic } from "../../host/files.js";
import { newTemporaryName } from "../../host/temporary.js";
import { runTool } from "../../host/tool.js";
import { describeFiles, readTemplateRecord, templateFiles } from "./template.js";

/** The disk of a template in a base: as a raw file its holes would not survive most archives. */
const BASE_DISK = "scratch.qcow2";

/**
 * Makes the templates of a base, a home that is not written to any more (PYRO_BASE), templates of this one. Their memory stays where it is,
 * so that all homes of a host share it; only the disk, a few hundred KiB, is copied. The base is trusted. Templates for another QEMU or
 * agent have other keys and are never used.
 */
export async function linkBaseTemplates(templatesPath: string, base: string): Promise<void> {
  const from = join(base, "templates");
  for (const key of existsSync(from) ? await readdir(from) : []) {
    if (!existsSync(join(templatesPath, key))) await linkTemplate(join(from, key), templatesPath, key);
  }
}

async function linkTemplate(from: string, templatesPath: string, key: string): Promise<void> {
  const record = await readTemplateRecord(from);
  if (record === null) return;
  const draft = join(templatesPath, newTemporaryName());
  await mkdir(draft, { mode: 0o755 });
  try {
    for (const name of Object.values(templateFiles)) {
      if (name === templateFiles.scratch) await unpackDisk(join(from, BASE_DISK), join(draft, name));
      else await symlink(join(from, name), join(draft, name));
    }
    const files = await describeFiles(draft);
    await writeFileAtomic(join(draft, "template.json"), JSON.stringify({ ...record, files }));
    await rename(draft, join(templatesPath, key));
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function unpackDisk(from: string, to: string): Promise<void> {
  const qemuImg = (await findProgram("qemu-img")) ?? "qemu-img";
  const { exitCode, stderr } = await runTool(qemuImg, ["convert", "-f", "qcow2", "-O", "raw", from, to]);
  if (exitCode !== 0) throw new PyroError("VM_START_FAILED", `qemu-img could not unpack ${from}: ${stderr.trim()}`);
  await chmod(to, 0o444);
}
