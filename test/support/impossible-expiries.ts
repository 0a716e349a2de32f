/** What an `expiresAt` cannot be, and what a refusal has to say of it. */
export const impossibleExpiries: readonly {
  readonly kind: string;
  readonly expiresAt: unknown;
  readonly hint: RegExp;
  /** The value in JSON, where JSON has it. */
  readonly json?: string;
}[] = [
  { kind: "a Date", expiresAt: new Date(1_800_000_000_000), hint: /Date.*getTime\(\) \/ 1000.*expiresAt/ },
  { kind: "a date in text", expiresAt: "2027-01-15T08:00:00Z", hint: /string.*Date\.parse/, json: '"2027-01-15"' },
  { kind: "digits in text", expiresAt: "1800000000", hint: /string.*number of seconds/, json: '"1800000000"' },
  { kind: "the empty text", expiresAt: "", hint: /string/, json: '""' },
  { kind: "NaN", expiresAt: Number.NaN, hint: /NaN.*calculation/ },
  { kind: "null", expiresAt: null, hint: /null: leave it out/, json: "null" },
  { kind: "Infinity", expiresAt: Number.POSITIVE_INFINITY, hint: /Infinity: leave it out/, json: "1e400" },
  { kind: "-Infinity", expiresAt: Number.NEGATIVE_INFINITY, hint: /-Infinity.*seconds/, json: "-1e400" },
  { kind: "a bigint", expiresAt: 1_800_000_000n, hint: /bigint.*Number\(/ },
  {
    kind: "milliseconds",
    expiresAt: 1_800_000_000_000,
    hint: /milliseconds: divide it by 1000/,
    json: "1800000000000",
  },
  { kind: "the largest number", expiresAt: Number.MAX_VALUE, hint: /beyond the year 2200/, json: "1.7e308" },
  { kind: "a boolean", expiresAt: true, hint: /boolean.*seconds/, json: "true" },
  { kind: "false", expiresAt: false, hint: /boolean/, json: "false" },
  { kind: "an object", expiresAt: { seconds: 5 }, hint: /object.*seconds/, json: '{"seconds":5}' },
  { kind: "an array", expiresAt: [1_800_000_000], hint: /object/, json: "[1800000000]" },
  { kind: "a function", expiresAt: () => 1_800_000_000, hint: /function/ },
  { kind: "a boxed number", expiresAt: Object(1_800_000_000), hint: /object/ },
  { kind: "a symbol", expiresAt: Symbol("soon"), hint: /symbol/ },
];
