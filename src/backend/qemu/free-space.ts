import { PyroError } from "../../contract/errors.js";
import { assertFreeSpace } from "../../host/disk.js";
import { JoinedController } from "../../host/joined-controller.js";

/** The least free disk for a start: a VM that fills the host's disk fails with obscure errors. */
export const DISK_RESERVE_MIB = 64;

/** How often the free space is looked at while files grow. */
const LOOK_MS = 100;

/** Does the work while the disk of a path has room. When it has none, the signal of the work aborts, and DISK_FULL is thrown. */
export async function whileRoom<T>(
  path: string,
  purpose: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  using until = new JoinedController([signal]);
  const look = () => assertFreeSpace(path, DISK_RESERVE_MIB, purpose).catch((error: unknown) => until.abort(error));
  const timer = setInterval(() => void look(), LOOK_MS);
  try {
    const result = await work(until.signal);
    await look();
    until.signal.throwIfAborted();
    return result;
  } finally {
    clearInterval(timer);
  }
}

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
