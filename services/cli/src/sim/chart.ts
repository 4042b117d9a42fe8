import { type PlotOptions, plot } from "@observablehq/plot";
import { parseHTML } from "linkedom";

/** A chart as a file: its name without ending, and what it shows in a sentence, for those who cannot see it. */
export interface Chart {
  readonly name: string;
  readonly description: string;
  readonly options: PlotOptions;
}

const WIDTH = 720;
const HEIGHT = 400;

/**
 * SVG of a chart. Nothing is measured with fonts, and the text names only generic families, so that the same options give
 * the same bytes wherever they are drawn.
 */
export function svgText({ description, options }: Chart): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const drawing = plot({
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 60,
    marginBottom: 40,
    style: { background: "white", color: "#222", fontFamily: "sans-serif", fontSize: "12px" },
    ...options,
    className: "chart",
    ariaDescription: description,
    document: document as unknown as NonNullable<PlotOptions["document"]>,
  });
  drawing.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${drawing.outerHTML}\n`;
}

/** "1e-13" at a tick of a logarithmic axis. */
export function powerTick(value: number): string {
  const power = Math.round(Math.log10(value));
  return power >= 0 && power < 5 ? (10 ** power).toLocaleString("en") : `1e${power}`;
}
