import { isAbsolute, join } from "node:path";

import { PyroError } from "../../contract/errors.js";
import { makeLayout } from "../../environments/layout.js";
import { exportSaved } from "../../environments/saved/export.js";
import { importSaved } from "../../environments/saved/import.js";
import type { SavedDisk } from "../../environments/saved/saved-disks.js";
import type { Core, Handler } from "../core.js";
import { savedDiskFacts } from "./saved-facts.js";
import { assertNameIsFree, reserveName } from "./saved-names.js";

/** Writes a saved environment, with everything that it needs, into one file. */
export const envExport: Handler<"env.export"> = async (core, { environment, output }, { signal }) => {
  assertAbsolute(output);
  const { environments } = core;
  const disk = findDisk(core, environment);
  const release = environments.hold(disk.digest);
  try {
    await environments.saved.verify(disk, signal);
    const size_bytes = await exportSaved(disk, environments.filesOf(disk.digest), output, signal);
    return { environment, output, size_bytes };
  } finally {
    release();
  }
};

/** Adds an environment from such a file. */
export const envImport: Handler<"env.import"> = async (core, input, { signal }) => {
  assertAbsolute(input.file);
  const { environments, home } = core;
  const place = {
    layout: await makeLayout(join(home.path, "environments")),
    saved: environments.saved,
    hold: (digest: string) => environments.hold(digest),
  };
  let release = () => {};
  const nameOf = async (name: string) => {
    const wanted = input.name ?? name;
    release = reserveName(core, wanted);
    await assertNameIsFree(core, wanted);
    return wanted;
  };
  const { keepBelow } = environments;
  try {
    return await savedDiskFacts(core, await importSaved(place, input.file, { nameOf, keepBelow, signal }));
  } finally {
    release();
  }
};

function findDisk({ environments, snapshots }: Core, name: string): SavedDisk {
  const disk = environments.saved.find(name);
  if (disk !== null) return disk;
  if (snapshots.findSaved(name) === null) {
    throw new PyroError("ENVIRONMENT_UNKNOWN", `There is no saved environment ${name}.`, {
      hint: "`pyro env list` shows the environments; save a task with `pyro env save TASK NAME --disk-only`.",
      details: { environment: name },
    });
  }
  throw new PyroError("FAILED_PRECONDITION", `The environment ${name} has memory, which only this host can use.`, {
    hint: `Save its files alone, and export those: \`pyro env save ${name} NAME --disk-only\`.`,
    details: { environment: name, reason: "has_memory" },
  });
}

function assertAbsolute(path: string): void {
  if (isAbsolute(path)) return;
  throw new PyroError("INVALID_ARGUMENT", `${JSON.stringify(path)} is not an absolute path.`, {
    hint: "The daemon has a working directory of its own: name the file by its absolute path.",
    details: { path },
  });
}
