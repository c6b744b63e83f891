import { join } from "node:path";

import { open } from "../../host/files.js";
import { giveToUser, type VmUser } from "./vm-user.js";

/** Holds a few pieces of content at a time, half of them for the guest and half from it; unused slots take no space. */
const MAILBOX_BYTES = 16 * 1_048_576;

export function mailboxPath(vmDirectory: string): string {
  return join(vmDirectory, "mailbox");
}

/** Makes the file behind the guest's mailbox: empty, and for QEMU to read and write. */
export async function makeMailbox(vmDirectory: string, user: VmUser): Promise<void> {
  const path = mailboxPath(vmDirectory);
  const file = await open(path, "wx", 0o600);
  try {
    await file.truncate(MAILBOX_BYTES);
  } finally {
    await file.close();
  }
  await giveToUser(user, path);
}
