const BYTES_PER_MIB = 1_048_576;

/** Bytes as whole MiB, for people. */
export function renderMib(bytes: number): string {
  return `${Math.round(bytes / BYTES_PER_MIB)} MiB`;
}
