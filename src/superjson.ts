export { superjsonCodec } from "./storage/codecs/superjson.ts";
