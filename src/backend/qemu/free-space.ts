import { PyroError } from "../../contract/errors.js";
import { assertFreeSpace } from "../../host/disk.js";

/** The least free disk for a start: a VM that fills the host's disk fails with obscure errors. */
export const DISK_RESERVE_MIB = 64;

/** The reason of a failure: DISK_FULL when the disk has so little room now that nothing would be started, else the error itself. */
export async function findReason(error: unknown, path: string, purpose: string): Promise<PyroError> {
  const reason = PyroError.from(error);
  if (reason.code === "ABORTED") return reason;
  return assertFreeSpace(path, DISK_RESERVE_MIB, purpose).then(
    () => reason,
    (full: unknown) =>
      new PyroError("DISK_FULL", PyroError.from(full).message, {
        details: { ...PyroError.from(full).details },
        cause: reason,
      }),
  );
}
