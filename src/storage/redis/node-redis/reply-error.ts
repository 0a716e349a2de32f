/** The code at the head of an error reply: `WRONGTYPE Operation against …`. What node-redis says itself has none. */
const replyForm = /^[A-Z]+(?= |$)/;

/**
 * Gives an error reply the name by which ioredis tells it. node-redis has classes for that, whose names a bundler may
 * change; the form of the message stays.
 */
export function namedReplyError(error: unknown): unknown {
  if (!(error instanceof Error) || "code" in error || !replyForm.test(error.message)) return error;
  const reply = new Error(error.message);
  reply.name = "ReplyError";
  return reply;
}
