import { expect, it } from "vitest";
import { contrastWithWhite, leastContrast } from "../../../src/provider/configuration/contrast.ts";

it.each([
  ["#ffffff", 1],
  ["#000000", 21],
  ["#777777", 4.48],
  ["#767676", 4.54],
  ["#ff0000", 4],
  ["#0000FF", 8.59],
])("the contrast of %s with white is %d", (colour, contrast) => {
  expect(contrastWithWhite(colour)).toBeCloseTo(contrast, 2);
});

it("the default colour and the button that it is for are readable", () => {
  expect(contrastWithWhite("#1f5fd6")).toBeGreaterThan(leastContrast);
});
