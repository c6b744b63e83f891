// A reporter of node:test that writes one JSON object: how many tests passed and failed, and which were skipped for which reason.
// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter by its default export.
export default async function* countReporter(events) {
  const counts = { passed: 0, failed: 0, skipped: [] };
  for await (const { type, data } of events) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    if (data.details?.type === "suite") continue;
    const reason = data.skip ?? data.todo;
    if (reason !== undefined)
      counts.skipped.push(`${data.name}: ${reason === true || reason === "" ? "no reason" : reason}`);
    else if (type === "test:pass") counts.passed += 1;
    else counts.failed += 1;
  }
  yield `${JSON.stringify(counts)}\n`;
}
