import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Result } from "../results.ts";

type Comparison = Extract<Result, { kind: "comparison" }>;
type Lines = Extract<Result, { kind: "plot" }>;

const width = 760;
const colours = ["#1f5fd6", "#c2410c", "#15803d", "#7e22ce", "#be123c", "#0e7490", "#854d0e", "#4b5563"];
const style = { background: "white", color: "#111827", fontFamily: "system-ui, sans-serif", fontSize: "12px" };

/** How many times the baseline's time each contender takes, as bars with the interval of each. An SVG document. */
export function comparisonPlot({ title, rows, baseline }: Comparison): string {
  const data = rows.map(({ name, ratio }) => ({ name, ...ratio }));
  const isWide = Math.max(...data.map(({ high }) => high)) > 20;
  return draw(title, {
    width,
    height: 65 + 26 * data.length,
    marginLeft: 260,
    marginBottom: 40,
    x: {
      label: `times the time of ${baseline}`,
      grid: true,
      ...(isWide ? { type: "log", domain: [0.5, Math.max(...data.map(({ high }) => high)) * 1.2] } : { zero: true }),
    },
    y: { label: null, domain: data.map(({ name }) => name) },
    marks: [
      Plot.ruleY(data, { x1: isWide ? 0.5 : 0, x2: "value", y: "name", stroke: "#1f5fd6", strokeWidth: 12 }),
      Plot.ruleY(data, { x1: "low", x2: "high", y: "name", stroke: "#111827", strokeWidth: 2 }),
      Plot.text(data, {
        x: "high",
        y: "name",
        text: ({ value }: { value: number }) => value.toFixed(2),
        dx: 6,
        textAnchor: "start",
      }),
      Plot.ruleX([1], { stroke: "#6b7280", strokeDasharray: "3,3" }),
    ],
    marginRight: 50,
  });
}

/** Lines, or points where there are many. An SVG document. */
export function linesPlot({ title, points, x, y, scales }: Lines): string {
  const names = [...new Set(points.map(({ line }) => line))];
  const isCloud = points.length > 30 * names.length;
  const marks = isCloud
    ? names.map((name, index) =>
        Plot.dot(
          points.filter(({ line }) => line === name),
          { x: "x", y: "y", stroke: colours[index % colours.length] ?? "black", r: 1.5, strokeOpacity: 0.6 },
        ),
      )
    : [
        Plot.line(points, { x: "x", y: "y", stroke: "line", strokeWidth: 2 }),
        Plot.dot(points, { x: "x", y: "y", fill: "line", r: 3 }),
      ];
  const plot = draw(title, {
    width,
    height: 340,
    marginLeft: 60,
    marginBottom: 40,
    marginTop: 24 + 16 * names.length,
    x: { label: x, grid: true, ...(scales?.x === "log" && { type: "log", tickFormat: "~s" }) },
    y: { label: y, grid: true, ...(scales?.y === "log" ? { type: "log" } : { zero: true, nice: true }) },
    color: { domain: names, range: colours },
    marks,
  });
  // The legend of the library is HTML; in a file of its own there is only SVG.
  const legend = names.map((name, index) => {
    const at = 16 + 16 * index;
    const colour = colours[index % colours.length];
    return `<circle cx="${width - 250}" cy="${at - 4}" r="5" fill="${colour}"/><text x="${width - 240}" y="${at}" text-anchor="start" font-size="12" fill="#111827">${escaped(name)}</text>`;
  });
  return plot.replace(/<\/svg>\s*$/, `${legend.join("")}</svg>`);
}

function draw(title: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = Plot.plot({ ...options, style, document });
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  // Who hears a page read out is told what the picture is.
  return `${svg.outerHTML.replace(">", `><title>${escaped(title)}</title>`)}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
