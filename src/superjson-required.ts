export { superjsonCodec } from "./storage/codecs/superjson-required.ts";
