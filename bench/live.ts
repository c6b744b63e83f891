import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";

import { median } from "../src/bench/numbers.js";
import { column, type Table } from "../src/bench/table.js";
import { Pyro, type Shell, type Task } from "../src/index.js";
import type { BenchHome } from "./home.js";
import { rounds } from "./rounds.js";

const KEYS = rounds(100);
const REQUESTS = rounds(200);
const DOWNLOADS = rounds(3);
const PORT = 8000;
const LARGE_BYTES = 100 * 1_048_576;

/** A small page and 100 MiB, over connections that stay. */
const SERVER = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        size = ${LARGE_BYTES} if self.path == "/large" else 5
        self.send_response(200); self.send_header("Content-Length", str(size)); self.end_headers()
        for _ in range(size // 1048576): self.wfile.write(bytes(1048576))
        if size == 5: self.wfile.write(b"hello")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("127.0.0.1", ${PORT}), Handler).serve_forever()
`;

/** The same requests inside the VM; prints the milliseconds of each, and of the downloads. */
const CLIENT = `
import http.client, json, time
connection = http.client.HTTPConnection("127.0.0.1", ${PORT})
def ask(path):
    start = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    while response.read(1048576): pass
    return (time.perf_counter() - start) * 1000
print(json.dumps([[ask("/") for _ in range(${REQUESTS})], [ask("/large") for _ in range(${DOWNLOADS})]]))
`;

/** How long a person waits at a terminal, and a browser at a published port, of a VM without a network. */
export async function benchLive({ home }: BenchHome): Promise<Table[]> {
  const task = await new Pyro({ home: home.path }).createTask("debian:12");
  try {
    return [await measureKeys(task), ...(await measurePort(task))];
  } finally {
    await task.delete();
  }
}

async function measureKeys(task: Task): Promise<Table> {
  const lines = [
    ["`cat`: the kernel of the guest", "exec cat"],
    ["`bash`", "PS1='$ ' exec bash --norc"],
  ] as const;
  const rows = [];
  for (const [name, command] of lines) {
    const shell = await task.shell({ name: command.split(" ").at(-1)!.replaceAll("-", ""), command, cwd: "/" });
    const times = await typeKeys(shell);
    await task.closeShell(shell.info.name);
    rows.push([name, times.length, median(times)]);
  }
  const columns = [column.text("what echoes"), column.count("n"), column.ms("median")];
  return { title: "A key of a shell until its echo", columns, rows };
}

/** Types one character after the other; the milliseconds until each is shown. */
async function typeKeys(shell: Shell): Promise<number[]> {
  const shown = shell[Symbol.asyncIterator]();
  const until = async (key: string) => {
    for (let text = ""; !text.includes(key);) text += Buffer.from((await shown.next()).value ?? []).toString();
  };
  const times: number[] = [];
  for (let count = 0; count < KEYS + 5; count++) {
    const key = String.fromCharCode(97 + (count % 26));
    const started = performance.now();
    await Promise.all([shell.write(key), until(key)]);
    // The first ones wait for the start of the program.
    if (count >= 5) times.push(performance.now() - started);
  }
  return times;
}

async function measurePort(task: Task): Promise<Table[]> {
  await task.writeFile("server.py", SERVER);
  await task.writeFile("client.py", CLIENT);
  const options = { ready: `tcp:${PORT}`, publish: [String(PORT)] };
  const { ports } = await task.startService("web", "exec python3 server.py", options);
  const { url } = ports[0]!;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const outside = { requests: [] as number[], downloads: [] as number[] };
  for (let count = 0; count < REQUESTS; count++) outside.requests.push(await ask(url, agent));
  for (let count = 0; count < DOWNLOADS; count++) outside.downloads.push(await ask(`${url}/large`, agent));
  agent.destroy();
  const { stdout } = await task.exec("python3 client.py", { timeoutSeconds: 600, check: true });
  const [requests, downloads] = JSON.parse(stdout) as [number[], number[]];
  return [
    {
      title: "A small HTTP request through a published port",
      columns: [
        ...[column.text("server"), column.count("n"), column.ms("from the host"), column.ms("inside the VM")],
        column.ms("more"),
      ],
      rows: [
        [
          ...["Python", REQUESTS, median(outside.requests), median(requests)],
          median(outside.requests) - median(requests),
        ],
      ],
    },
    {
      title: "100 MiB from a server in the VM",
      columns: [column.text("to"), column.count("n"), column.ms("median"), column.megabytes("MB/s")],
      rows: [
        ["the host, through a published port", DOWNLOADS, ...speedOf(outside.downloads)],
        ["a program in the VM", DOWNLOADS, ...speedOf(downloads)],
      ],
    },
  ];
}

function speedOf(times: readonly number[]): [number, number] {
  const ms = median(times);
  return [ms, LARGE_BYTES / 1000 / ms];
}

async function ask(url: string, agent: Agent): Promise<number> {
  const started = performance.now();
  const [response] = (await once(get(url, { agent }), "response")) as [IncomingMessage];
  await once(response.resume(), "end");
  return performance.now() - started;
}
