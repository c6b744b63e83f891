const CODES = ["ENOENT", "ECONNREFUSED", "ECONNRESET", "EAGAIN"];

/**
 * True for the error of a connection to a unix socket without a listener. It also covers a connection that a dying process had not
 * accepted: it has carried no data.
 */
export function isNoListener(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return syscall === "connect" && code !== undefined && CODES.includes(code);
}
