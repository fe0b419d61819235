/** What is lost under each fault, and what each tracker weighs, as a grid in SVG that is readable on light and on dark pages. */
import { cellAt, columnsOf, rowsOf } from "./report.ts";
import type { Results } from "./results.ts";

const NAME_WIDTH = 190;
const CELL_WIDTH = 98;
const CELL_HEIGHT = 30;
const GAP = 4;
const TOP = 100;

const STYLE = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-size: 14px; font-weight: 600; }
  .own { font-weight: 600; }
  .quiet { fill: #59636e; font-size: 11px; }
  .back { fill: #eff2f5; }
  .lost { fill: #ff8182; }
  .none { fill: #aceebb; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; }
    .quiet { fill: #9198a1; }
    .back { fill: #262c36; }
    .lost { fill: #b62324; }
    .none { fill: #196c2e; }
  }`;

export function chartOf(results: Results): string {
  const columns = columnsOf(results).filter(({ id }) => id !== "control");
  const rows = rowsOf(results);
  const width = NAME_WIDTH + (columns.length + 1) * CELL_WIDTH;
  const height = TOP + rows.length * (CELL_HEIGHT + GAP) + 8;
  const title = "Events lost, by tracker and by what befalls the visitor";
  const heads = [...columns.map((column) => column.title), "size, brotli"].map((text, i) => headOf(text, xOf(i)));
  const lines = rows.map(({ id, name }, i) => {
    const y = TOP + i * (CELL_HEIGHT + GAP);
    const version = id === "headwater" ? "" : ` <tspan class="quiet">${results.versions[id] ?? ""}</tspan>`;
    const label = `<text x="0" y="${y + 20}"${id === "headwater" ? ' class="own"' : ""}>${escape(name)}${version}</text>`;
    const cells = columns.map((column, at) => cellOf(results, id, column.id, xOf(at), y));
    const size = results.sizes.find(({ adapter }) => adapter === id)?.initial;
    const weight = size === undefined ? "" : textAt(`${(size / 1_000).toFixed(1)} KB`, xOf(columns.length), y);
    return [label, ...cells, weight].join("\n");
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>${title}</title>
<style>${STYLE}
</style>
<text x="0" y="18" class="title">${title}</text>
<text x="0" y="36" class="quiet">${escape(results.browser)}; every package with its default configuration. Red is the share that never arrives; the number, lost of sent.</text>
${[...heads, ...lines].join("\n")}
</svg>
`;
}

const xOf = (column: number): number => NAME_WIDTH + column * CELL_WIDTH;

/** Broken into lines that fit. */
function headOf(text: string, x: number): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 14) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const first = TOP - 10 - (lines.length - 1) * 13;
  const spans = lines.map(
    (line, i) => `<tspan x="${x + (CELL_WIDTH - GAP) / 2}" y="${first + i * 13}">${escape(line)}</tspan>`,
  );
  return `<text text-anchor="middle" class="quiet">${spans.join("")}</text>`;
}

function cellOf(results: Results, adapter: string, column: string, x: number, y: number): string {
  const cell = cellAt(results, adapter, column);
  if (cell === undefined) return "";
  const width = CELL_WIDTH - GAP;
  const lost = ((cell.lost / cell.sent) * width).toFixed(1);
  const box = (kind: string, w: string | number) =>
    `<rect x="${x}" y="${y}" width="${w}" height="${CELL_HEIGHT}" rx="3" class="${kind}"/>`;
  const text = textAt(`${cell.lost} of ${cell.sent}`, x, y);
  return cell.lost === 0 ? box("none", width) + text : box("back", width) + box("lost", lost) + text;
}

const textAt = (text: string, x: number, y: number): string =>
  `<text x="${x + (CELL_WIDTH - GAP) / 2}" y="${y + 20}" text-anchor="middle">${escape(text)}</text>`;

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
