// The reporter of node:test for the kind of output, `spec` for a terminal, else `tap`, without the coverage of each file.
import { Readable } from "node:stream";
import { spec, tap } from "node:test/reporters";

// oxlint-disable-next-line import/no-default-export -- node:test takes a reporter by its default export.
export default async function* quietReporter(events) {
  const shown = withoutCoverage(events);
  yield* process.stdout.isTTY ? Readable.from(shown).pipe(new spec()) : tap(shown);
}

async function* withoutCoverage(events) {
  for await (const event of events) if (event.type !== "test:coverage") yield event;
}
