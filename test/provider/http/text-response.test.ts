import { expect, it } from "vitest";
import { jsonTextResponse, knownText, textResponse } from "../../../src/provider/http/text-response.ts";

it("a response remembers its text, and is one as any other", async () => {
  const response = textResponse("<p>Hello</p>", { status: 400, headers: { "content-type": "text/html" } });
  expect(knownText(response)).toBe("<p>Hello</p>");
  expect(response.status).toBe(400);
  expect(await response.text()).toBe("<p>Hello</p>");
});

it("a response with JSON says so, unless it says otherwise", async () => {
  const response = jsonTextResponse({ a: [1] }, { headers: { pragma: "no-cache" } });
  expect(knownText(response)).toBe('{"a":[1]}');
  expect(Object.fromEntries(response.headers)).toEqual({ "content-type": "application/json", pragma: "no-cache" });
  expect(await response.json()).toEqual({ a: [1] });
});

it.each<[string, () => Promise<Response> | Response, string | undefined]>([
  ["without a body", () => new Response(null, { status: 302 }), ""],
  ["of somebody else's making", () => new Response("text"), undefined],
  ["made of another one", () => new Response(textResponse("text", {}).body), undefined],
  [
    "that was read",
    async () => {
      const response = textResponse("text", {});
      await response.text();
      return response;
    },
    undefined,
  ],
])("of a response %s as much is known as can be", async (_, made, text) => {
  expect(knownText(await made())).toBe(text);
});
