/** Run by the suite, several times at once: a store of files, a record a file, served to the suite. */
import { createHash } from "node:crypto";
import { existsSync, linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type SampleRecord, sampleSchema, serveRepository } from "../../../src/conformance.ts";
import type { Repository } from "../../../src/index.ts";

const [directory = "", mistake] = process.argv.slice(2);

const fileOf = (key: string) => join(directory, createHash("sha256").update(key).digest("hex"));
let files = 0;
const ownFile = () => join(directory, `${process.pid}-${++files}`);
const isMissing = (error: unknown) => error instanceof Error && "code" in error && error.code === "ENOENT";
const isThere = (error: unknown) => error instanceof Error && "code" in error && error.code === "EEXIST";

const read = (file: string): SampleRecord | undefined => {
  try {
    return sampleSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

const write = (value: SampleRecord): string => {
  const file = ownFile();
  writeFileSync(file, JSON.stringify(value));
  return file;
};

/** A rename has one winner. */
const claim = (key: string): string | undefined => {
  const file = ownFile();
  try {
    renameSync(fileOf(key), file);
    return file;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

const right: Repository<string, SampleRecord> = {
  get: async (key) => read(fileOf(key)),
  set: async (key, value) => renameSync(write(value), fileOf(key)),
  delete: async (key) => {
    const file = claim(key);
    if (file !== undefined) rmSync(file);
    return file !== undefined;
  },
  take: async (key) => {
    const file = claim(key);
    if (file === undefined) return undefined;
    const value = read(file);
    rmSync(file);
    return value;
  },
  add: async (key, value) => {
    const file = write(value);
    try {
      linkSync(file, fileOf(key));
      return true;
    } catch (error) {
      if (isThere(error)) return false;
      throw error;
    } finally {
      rmSync(file);
    }
  },
};

/** None of them awaits anything in between: within one process each is one step. */
const wrong: Readonly<Record<string, Partial<Repository<string, SampleRecord>>>> = {
  "take reads and then deletes": {
    take: async (key) => {
      const value = read(fileOf(key));
      rmSync(fileOf(key), { force: true });
      return value;
    },
  },
  "delete looks first": {
    delete: async (key) => {
      const existed = existsSync(fileOf(key));
      rmSync(fileOf(key), { force: true });
      return existed;
    },
  },
  "add looks first": {
    add: async (key, value) => {
      if (existsSync(fileOf(key))) return false;
      renameSync(write(value), fileOf(key));
      return true;
    },
  },
};

await serveRepository({ ...right, ...wrong[mistake ?? ""] });
