/** The least contrast of text with what is behind it, by WCAG 2.2 level AA (success criterion 1.4.3). */
export const leastContrast = 4.5;

/** The contrast of a colour, as `#rrggbb`, with white: from 1 to 21 (WCAG 2.2, "contrast ratio"). */
export function contrastWithWhite(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => linear(Number.parseInt(colour.slice(at, at + 2), 16)));
  return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05);
}

/** A channel of sRGB, from 0 to 255, as light. */
function linear(channel: number): number {
  const share = channel / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}
