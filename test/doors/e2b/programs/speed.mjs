// How long a sandbox takes to its first command, and a command takes after that: medians, in milliseconds.
import { Sandbox } from "e2b";

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const timed = async (work) => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};
const starts = [];
const commands = [];
for (let round = 0; round < 5; round += 1) {
  let sandbox;
  starts.push(
    await timed(async () => {
      sandbox = await Sandbox.create();
      await sandbox.commands.run("true");
    }),
  );
  for (let times = 0; times < 5; times += 1) commands.push(await timed(() => sandbox.commands.run("true")));
  await sandbox.kill();
}
console.log(`create to first command ${median(starts).toFixed(0)} ms, command ${median(commands).toFixed(0)} ms`);
console.log("speed done");
