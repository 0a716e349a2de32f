import { fileURLToPath } from "node:url";

/** The program of the TypeScript compiler, which the packages of the tests have. */
export const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));
