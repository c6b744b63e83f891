import { createSocket } from "node:dgram";
import { createServer } from "node:net";

/**
 * A server that prints who has reached it: `tcp ADDRESS` or `udp ADDRESS TEXT`. It answers with what it received, and its own name.
 * Arguments: name, port, then the addresses to listen on.
 */
const [name = "", port = "", ...addresses] = process.argv.slice(2);

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function listen(address: string): Promise<void> {
  const tcp = createServer((socket) => {
    tell(`tcp ${socket.remoteAddress}`);
    socket.on("error", () => {});
    socket.on("data", (data) => socket.end(`${name} got ${data.toString()}`));
  });
  await new Promise<void>((resolve) => tcp.listen({ host: address, port: Number(port), ipv6Only: true }, resolve));
  const udp = createSocket({ type: address.includes(":") ? "udp6" : "udp4", ipv6Only: address.includes(":") });
  udp.on("message", (data, from) => {
    tell(`udp ${from.address} ${data.toString()}`);
    udp.send(`${name} got ${data.toString()}`, from.port, from.address);
  });
  await new Promise<void>((resolve) => udp.bind(Number(port), address, resolve));
}

for (const address of addresses) await listen(address);
tell("ready");
