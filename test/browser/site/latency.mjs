// Prints the median of 200 small requests over one connection, in milliseconds.
import { Agent, get } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const request = () =>
  new Promise((resolve, reject) => {
    get(process.argv[2], { agent }, (response) => response.resume().on("end", resolve)).on("error", reject);
  });

const times = [];
for (let count = 0; count < 220; count += 1) {
  const start = performance.now();
  await request();
  if (count >= 20) times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
process.stdout.write(`${times[times.length / 2].toFixed(2)}\n`);
