/** Error replies for which GLIDE has a name of its own. Other codes stay as Redis says them. */
const codes: ReadonlyMap<string, string> = new Map([
  ["ResponseError", "ERR"],
  ["ReadOnly", "READONLY"],
  ["BusyLoadingError", "LOADING"],
  ["NoScriptError", "NOSCRIPT"],
  ["Moved", "MOVED"],
  ["Ask", "ASK"],
  ["TryAgain", "TRYAGAIN"],
  ["ClusterDown", "CLUSTERDOWN"],
  ["CrossSlot", "CROSSSLOT"],
  ["MasterDown", "MASTERDOWN"],
  ["PermissionDenied", "NOPERM"],
  ["NotBusy", "NOTBUSY"],
]);

/** `An error was signalled by the server: - ReadOnly: You can't write against a read only replica.` */
const namedReply = /(?:^|- )([A-Z][A-Za-z]+): (.*)$/s;

/**
 * Says a failure of GLIDE in the words of ioredis: an error reply has its name and begins with its code, and a command that
 * was not answered in time has timed out. What was lost with a connection stays as it is.
 *
 * @see https://github.com/valkey-io/valkey-glide/blob/main/glide-core/redis-rs/redis/src/types.rs
 */
export function namedGlideFailure(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // GLIDE waits for a connection as well as for the answer, and does not say which it was.
  if (error.name === "TimeoutError") return new Error("Command timed out", { cause: error });
  if (error.name !== "RequestError") return error;
  const [, kind = "", detail = ""] = namedReply.exec(error.message) ?? [];
  const code = codes.get(kind) ?? (/^[A-Z]+$/.test(kind) ? kind : undefined);
  if (code === undefined) return error;
  const reply = new Error(`${code} ${detail}`);
  reply.name = "ReplyError";
  return reply;
}
