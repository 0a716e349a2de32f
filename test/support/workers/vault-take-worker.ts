import { z } from "zod";
import { PangeaVaultRepository } from "../../../src/repository/vault/index.ts";

/** Takes every key of the race in an order of its own, and prints the numbers that it got. */
const [baseUrlTemplate = "", strict, keys = "0", seed = "0"] = process.argv.slice(2);
const repository = new PangeaVaultRepository(z.object({ n: z.number() }), "pts_race", {
  baseUrlTemplate,
  folder: "/race",
  strictTake: strict === "strict",
});
const count = Number(keys);
const order = Array.from({ length: count }, (_, index) => (index * 7 + Number(seed) * 131) % count);
const taken: number[] = [];
for (let start = 0; start < count; start += 50) {
  const values = await Promise.all(order.slice(start, start + 50).map((index) => repository.take(`key ${index}`)));
  for (const value of values) if (value !== undefined) taken.push(value.n);
}
console.log(JSON.stringify(taken));
