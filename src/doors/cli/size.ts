const BYTES_PER_MIB = 1_048_576;

/** Bytes as whole MiB, for people. */
export function renderMib(bytes: number): string {
  return `${Math.round(bytes / BYTES_PER_MIB)} MiB`;
}

/** Bytes in the largest unit in which the number is at least 1. */
export function renderBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < BYTES_PER_MIB) return `${(bytes / 1024).toFixed(1)} KiB`;
  if (bytes < 1024 * BYTES_PER_MIB) return `${(bytes / BYTES_PER_MIB).toFixed(1)} MiB`;
  return `${(bytes / (1024 * BYTES_PER_MIB)).toFixed(1)} GiB`;
}

/** The same for a narrow column: `96M`, `1.5G`, `64G`. */
export function renderShort(bytes: number): string {
  const mib = bytes / BYTES_PER_MIB;
  if (mib < 999.5) return `${Math.round(mib)}M`;
  const gib = mib / 1024;
  return `${gib < 9.95 ? gib.toFixed(1) : Math.round(gib)}G`;
}
