/** How often something is measured: as often as asked, or BENCH_ROUNDS times when that is less, to try a benchmark out. */
export function rounds(wanted: number): number {
  return Math.min(wanted, Number(process.env["BENCH_ROUNDS"] ?? wanted));
}
