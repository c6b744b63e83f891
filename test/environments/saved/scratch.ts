import { join } from "node:path";
import type { TestContext } from "node:test";

import { BuiltNames } from "../../../src/environments/saved/built-names.js";
import { makeLayout } from "../../../src/environments/layout.js";
import { importSaved } from "../../../src/environments/saved/import.js";
import { SavedDisks, stepName, type NewSavedDisk } from "../../../src/environments/saved/saved-disks.js";
import { withSaved } from "../../../src/environments/saved/with-saved.js";
import { openFakeCache, pull, temporaryDirectory, unhurried } from "../fake-source.js";
import { DISK_MIB, writeQcow2 } from "./qcow2.js";

/** A home with environments of a fake source, and saved disks that consist of headers. */
export async function openHome(context: TestContext) {
  const { cache, directory, source } = await openFakeCache(context);
  const path = await temporaryDirectory(context);
  const built = await BuiltNames.open(await temporaryDirectory(context));
  const open = async () => withSaved(cache, await SavedDisks.open(path, undefined, built));
  return { cache, directory, source, path, open, environments: await open() };
}

export type FakeHome = Awaited<ReturnType<typeof openHome>>;

/** Saves a disk with a text in it, over debian:12. */
export async function save({ cache, environments }: FakeHome, name: string, text = "files") {
  const { environment } = await pull(cache);
  const about: NewSavedDisk = {
    ...{ name, task_id: "task-000000000001", snapshot_id: null, disk_mib: DISK_MIB },
    ...{ environment: "debian:12", environment_digest: environment.digest },
  };
  const disk = await environments.saved.save(about, async (to) => writeQcow2(to, text), unhurried());
  environments.keepBelow(disk);
  return disk;
}

/** Imports a file under its own name. */
export async function importInto({ environments, directory }: FakeHome, file: string) {
  const place = {
    layout: await makeLayout(directory),
    saved: environments.saved,
    hold: (digest: string) => environments.hold(digest),
  };
  const { keepBelow } = environments;
  return importSaved(place, file, { nameOf: async (name) => name, keepBelow, signal: unhurried() });
}

/** Saves the result of a step of a build. */
export async function saveStep({ cache, environments }: FakeHome, key: string, text = key) {
  const { environment } = await pull(cache);
  const about: NewSavedDisk = {
    ...{ name: stepName(key), step_key: key, task_id: null, snapshot_id: null, disk_mib: DISK_MIB },
    ...{ environment: "debian:12", environment_digest: environment.digest },
  };
  const disk = await environments.saved.save(about, async (to) => writeQcow2(to, text), unhurried());
  environments.keepBelow(disk);
  return disk;
}

export const exportPath = async (context: TestContext) => join(await temporaryDirectory(context), "web.tar");
