import { stat } from "../../guest/stat.js";
import { readSnapshotFacts } from "../../store/snapshot-facts.js";
import type { AcquiredMachine } from "../machines/facts.js";

/**
 * Where the commands of a new machine start: null for the workspace. A caller who brings a source works on it; otherwise it is the
 * directory of the task whose processes the machine has, or the image's, if that exists.
 */
export async function takeDirectory(
  { machine, image, snapshot }: AcquiredMachine,
  { source_path: source }: { readonly source_path?: string | undefined },
): Promise<string | null> {
  if (source !== undefined) return null;
  if (snapshot !== null) return (await readSnapshotFacts(snapshot.taskPath)).record.working_dir;
  const directory = image?.working_dir ?? "/";
  if (!directory.startsWith("/") || directory === "/") return null;
  // The path may lead through a link.
  return stat(machine.channel, directory).then(
    ({ type }) => (type === "directory" || type === "symlink" ? directory : null),
    () => null,
  );
}
