const CODES = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EAGAIN"];

/**
 * True for the error of a connection to a unix socket at which nobody listens, or nobody any more: one that a dying process had not
 * taken was never a connection, and has carried nothing.
 */
export function isNoListener(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === "connect" && code !== undefined && CODES.includes(code);
}
