// Draws docs/demo.svg from docs/demo.json, a recorded run of the real program (scripts/record-demo.mjs). `--check` compares instead of writing.
// A renderer that shows no animations shows the whole run at once.
import { fail, readText, writeRendered } from "./contract.mjs";

const COLUMNS = 114;
const CHARACTER = 7.83;
const LINE = 19;
const LEFT = 20;
const TOP = 56;
/** How long a prompt is shown before its command starts, in seconds. */
const PAUSE = 1.2;
const colors = {
  added: "#7ee787",
  removed: "#ff9d95",
  hunk: "#79c0ff",
  prompt: "#7ee787",
  time: "#8b949e",
  text: "#e6edf3",
};

const { steps } = JSON.parse(readText("docs/demo.json"));
const lines = steps.flatMap(linesOf);
const long = lines.find(({ text }) => text.length > COLUMNS);
if (long) fail(`a line of docs/demo.json has more than ${COLUMNS} columns: ${long.text}`);
writeRendered("docs/demo.svg", renderTerminal());

/** The lines of one command: its prompt, what it printed, and an empty line; each with the second at which it appears. */
function linesOf(step, index) {
  const before = steps.slice(0, index).reduce((sum, { duration_ms }) => sum + PAUSE + duration_ms / 1000, 0);
  const startsAt = before + PAUSE;
  const printed = step.output.flatMap(({ at_ms, text }) =>
    text.split("\n").map((line) => ({ text: line, kind: kindOf(step.command, line), at: startsAt + at_ms / 1000 })),
  );
  const time = `${(step.duration_ms / 1000).toFixed(2)} s`;
  const [command, ...continued] = step.command.split("\n");
  return [
    { text: `$ ${command}`, kind: "prompt", at: before, time, timeAt: startsAt + step.duration_ms / 1000 },
    ...continued.map((text) => ({ text, kind: "text", at: before })),
    ...printed.filter(({ text }) => text !== ""),
    { text: "", kind: "text", at: before },
  ];
}

function kindOf(command, line) {
  if (!/ diff /.test(command)) return "text";
  if (line.startsWith("@@")) return "hunk";
  if (/^\+(?!\+)/.test(line)) return "added";
  return /^-(?!-)/.test(line) ? "removed" : "text";
}

function renderTerminal() {
  const width = Math.ceil(LEFT * 2 + (COLUMNS + 9) * CHARACTER);
  const height = TOP + lines.length * LINE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,monospace" font-size="13">`,
    "<style>",
    "text{white-space:pre;animation:show .01s both}",
    "@keyframes show{from{opacity:0}to{opacity:1}}",
    "@media (prefers-reduced-motion:reduce){text{animation:none}}",
    "</style>",
    `<rect width="100%" height="100%" rx="8" fill="#0d1117"/>`,
    ...["#ff5f57", "#febc2e", "#28c840"].map(
      (color, at) => `<circle cx="${LEFT + 6 + at * 20}" cy="22" r="6" fill="${color}"/>`,
    ),
    ...lines.flatMap((line, at) => renderLine(line, TOP + at * LINE, width)),
    "</svg>\n",
  ].join("\n");
}

function renderLine({ text, kind, at, time, timeAt }, y, width) {
  if (text === "") return [];
  const color = kind === "prompt" ? colors.text : colors[kind];
  const content = kind === "prompt" ? `<tspan fill="${colors.prompt}">$</tspan>${escape(text.slice(1))}` : escape(text);
  const shown = `<text x="${LEFT}" y="${y}" fill="${color}" xml:space="preserve" style="animation-delay:${at.toFixed(2)}s">${content}</text>`;
  if (time === undefined) return [shown];
  return [
    shown,
    `<text x="${width - LEFT}" y="${y}" fill="${colors.time}" text-anchor="end" style="animation-delay:${timeAt.toFixed(2)}s">${time}</text>`,
  ];
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
