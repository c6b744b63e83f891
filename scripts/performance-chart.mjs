// Draws how many times as long as on the host the same work takes in a VM, and in gVisor where it ran, as SVG.
const ROW = 40;
const BAR = 13;
const LEFT = 290;
const WIDTH = 480;
const TOP = 56;
const colors = { guest: "#2f6fde", runsc: "#e08a2e" };
const names = { guest: "pyro", runsc: "gVisor" };

/** Bars on a logarithmic scale: from 1, the host itself, to the next power of ten. */
export function renderChart(sections) {
  const [table] = sections.find(({ name }) => name === "inside")?.tables ?? [];
  if (!table) return "";
  const places = Object.keys(colors).flatMap((place) => {
    const index = table.columns.findIndex(({ name }) => name === `${place} ÷ host`);
    return index === -1 ? [] : [{ place, index }];
  });
  const ratios = table.rows.flatMap((row) => places.map(({ index }) => row[index]));
  const most = 10 ** Math.max(1, Math.ceil(Math.log10(Math.max(...ratios))));
  const x = (ratio) => (Math.log10(Math.max(1, ratio)) / Math.log10(most)) * WIDTH;
  const height = TOP + table.rows.length * ROW + 24;
  const powers = Array.from({ length: Math.round(Math.log10(most)) + 1 }, (_, power) => 10 ** power);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${LEFT + WIDTH + 70}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<text x="16" y="24" font-size="15">Time of the same work ÷ the host's (logarithmic)</text>`,
    ...places.map(({ place }, at) => renderKey(place, LEFT + 110 + at * 90)),
    ...powers.map((power) => renderLine(LEFT + x(power), `${power}×`, height)),
    ...table.rows.map((row, at) => renderRow(row, TOP + at * ROW, places, x)),
    "</svg>\n",
  ].join("\n");
}

function renderKey(place, left) {
  return `<rect x="${left}" y="14" width="12" height="12" fill="${colors[place]}"/><text x="${left + 18}" y="24">${names[place]}</text>`;
}

function renderLine(left, label, height) {
  return `<line x1="${left}" y1="${TOP - 6}" x2="${left}" y2="${height - 22}" stroke="#d0d0d0"/><text x="${left}" y="${height - 8}" text-anchor="middle" fill="#606060">${label}</text>`;
}

function renderRow(row, top, places, x) {
  const label = `<text x="${LEFT - 10}" y="${top + 5 + (places.length * (BAR + 1)) / 2}" text-anchor="end">${escape(row[0].replaceAll("`", ""))}</text>`;
  const bars = places.map(({ place, index }, at) => {
    const ratio = row[index];
    const y = top + 1 + at * (BAR + 1);
    const width = Math.max(1, x(ratio)).toFixed(1);
    return `<rect x="${LEFT}" y="${y}" width="${width}" height="${BAR}" fill="${colors[place]}"/><text x="${LEFT + Number(width) + 6}" y="${y + 11}" font-size="11">${ratio.toFixed(ratio < 10 ? 1 : 0)}×</text>`;
  });
  return [label, ...bars].join("\n");
}

function escape(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
