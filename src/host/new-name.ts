import { link, lookAtName, rename } from "./files.js";

/** How `link` fails on file systems without hard links. */
const withoutLinks = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** Publishes a draft under a new name; its former name may stay. False when the name is taken. */
export async function publishDraft(draft: string, path: string, makeLink: typeof link = link): Promise<boolean> {
  try {
    await makeLink(draft, path);
    return true;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (!withoutLinks.has(code)) throw error;
  }
  if (lookAtName(path) !== null) return false;
  await rename(draft, path);
  return true;
}
