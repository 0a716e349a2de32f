import { describe, expect, it } from "vitest";
import { z } from "zod";
import { type Codec, jsonCodec, KeyRing, sealed } from "../../../src/index.ts";
import { keyedLabels, labelsOf } from "../../../src/storage/codecs/labels.ts";
import { LateLabels } from "../../../src/storage/codecs/late-labels.ts";
import { LateSeal } from "../../../src/storage/codecs/late-seal.ts";
import { encodeAndReadBack, isReadingBack } from "../../../src/storage/codecs/read-back.ts";

const here = { repository: "people", key: "one" };
const schema = z.object({ name: z.string() });
const ada = { name: "Ada" };
const keys = KeyRing.from("a secret that is long enough for a test");
const others = KeyRing.from("another secret that is long enough for it");
const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

describe("a seal whose keys come late", () => {
  it("is none until they are there", () => {
    const codec = new LateSeal().codec(schema);
    expect(codec.encode(ada, here)).toBe('{"name":"Ada"}');
    expect(codec.decode('{"name":"Ada"}', here)).toEqual(ada);
    expect(codec.labels?.("ada")).toEqual(labelsOf({}, "ada"));
  });

  it("seals with them, and labels with them", () => {
    const seal = new LateSeal();
    const codec = seal.codec(schema);
    seal.sealWith(keys);
    const text = codec.encode(ada, here);
    expect(text).not.toContain("Ada");
    expect(codec.decode(text, here)).toEqual(ada);
    expect(sealed(schema, keys).decode(text, here)).toEqual(ada);
    expect(codec.labels?.("ada")).toEqual(keyedLabels(keys)("ada"));
  });

  it("takes the same keys again, and no others", () => {
    const seal = new LateSeal();
    seal.sealWith(keys);
    expect(() => seal.sealWith(KeyRing.from("a secret that is long enough for a test"))).not.toThrow();
    expect(() => seal.sealWith(others)).toThrow(refusal);
    const text = seal.codec(schema).encode(ada, here);
    expect(sealed(schema, keys).decode(text, here)).toEqual(ada);
  });

  it("takes no keys once records were kept in plain text", () => {
    for (const use of [
      (codec: Codec<typeof ada>) => codec.encode(ada, here),
      (codec: Codec<typeof ada>) => codec.decode('{"name":"Ada"}', here),
      (codec: Codec<typeof ada>) => codec.labels?.("ada"),
    ]) {
      const seal = new LateSeal();
      use(seal.codec(schema));
      expect(() => seal.sealWith(keys)).toThrow(refusal);
    }
  });
});

describe("labels whose keys come late", () => {
  it("are none until they are there, and the records are written as they are", () => {
    const labels = new LateLabels();
    const codec = labels.codec(schema);
    expect(codec.labels?.("ada")).toEqual([]);
    labels.labelWith(keys);
    expect(codec.labels?.("ada")).toEqual(keyedLabels(keys)("ada"));
    expect(codec.encode(ada, here)).toBe('{"name":"Ada"}');
    expect(codec.decode('{"name":"Ada"}', here)).toEqual(ada);
    expect(encodeAndReadBack(codec, ada, here)).toEqual({ text: '{"name":"Ada"}', value: ada });
  });

  it("leave a codec that reads what it writes such a one, and make none of another", () => {
    let reads = 0;
    const own: Codec<string> = {
      encode: (value) => value,
      decode: (text) => {
        reads += 1;
        return text;
      },
    };
    const labels = new LateLabels();
    expect([isReadingBack(labels.codec(own)), isReadingBack(labels.codec(jsonCodec(schema)))]).toEqual([false, true]);
    expect(labels.codec(own).decode("a", here)).toBe("a");
    expect(reads).toBe(1);
  });
});

describe("a record that does not open", () => {
  const failureOf = (text: string): unknown => {
    try {
      return sealed(schema, keys).decode(text, here);
    } catch (failure) {
      return failure;
    }
  };

  it("names the key that is missing, where one is", () => {
    const text = sealed(schema, others).encode(ada, here);
    expect(failureOf(text)).toMatchObject({ code: "ERR_UNSEALABLE", isPlain: false, keyId: others.ids[0] });
  });

  it("names the key that it is sealed under, where there are no keys at all", () => {
    const text = sealed(schema, others).encode(ada, here);
    expect(() => jsonCodec(schema).decode(text, here)).toThrow(
      expect.objectContaining({ code: "ERR_UNSEALABLE", keyId: others.ids[0] }),
    );
  });

  it("names no key where its text was changed or it is another record's", () => {
    const text = sealed(schema, keys).encode(ada, { ...here, key: "two" });
    expect(failureOf(text)).toMatchObject({ code: "ERR_UNSEALABLE", isPlain: false, keyId: undefined });
  });

  it("is plain where it is not sealed at all", () => {
    expect(failureOf('{"name":"Ada"}')).toMatchObject({ code: "ERR_UNSEALABLE", isPlain: true, keyId: undefined });
  });

  it("is none of keys that are no key ring", () => {
    expect(() => Reflect.apply(sealed, undefined, [schema, "a secret that is long enough for a test"])).toThrow(
      refusal,
    );
    expect(() => Reflect.apply(sealed, undefined, ["schema", keys])).toThrow(refusal);
  });

  it("is read back by its own codec before it is sealed", () => {
    const codec = sealed(schema, keys);
    const { text, value } = encodeAndReadBack(codec, JSON.parse('{"name":"Ada","dropped":true}'), here);
    expect(value).toEqual(ada);
    expect(codec.decode(text, here)).toEqual(ada);
    expect(isReadingBack(codec)).toBe(true);
  });
});
