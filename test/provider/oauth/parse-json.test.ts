import { expect, it } from "vitest";
import { parseJson } from "../../../src/provider/oauth/parse-json.ts";

it("the JSON of another party is read, and is nothing where it is none", () => {
  expect(parseJson('{"a":[1,null]}')).toEqual({ a: [1, null] });
  for (const text of ["", "{", "undefined", "{'a':1}"]) expect(parseJson(text), text).toBeUndefined();
});
