// A reporter of node:test that writes one JSON object: how many tests passed and failed, which were skipped for which reason, and with
// coverage how many lines of which folders were run.
const coveredFolders = ["core", "store", "archive"];

// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter by its default export.
export default async function* countReporter(events) {
  const counts = { passed: 0, failed: 0, skipped: [], coverage: {} };
  for await (const { type, data } of events) {
    if (type === "test:coverage") counts.coverage = countLines(data.summary.files);
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

function countLines(files) {
  const folders = Object.fromEntries(coveredFolders.map((folder) => [folder, { covered: 0, total: 0 }]));
  for (const { path, coveredLineCount, totalLineCount } of files) {
    const lines = folders[/\/src\/(\w+)\//.exec(path)?.[1]];
    if (lines === undefined) continue;
    lines.covered += coveredLineCount;
    lines.total += totalLineCount;
  }
  return folders;
}
