import { once } from "node:events";
import { type Command, Redis } from "ioredis";
import { redisOptions } from "../../src/storage/redis/redis-options.ts";

/** A command that went out, and which of all that happened came before and after its answer. */
interface RecordedCommand {
  readonly text: string;
  readonly sentAt: number;
  answeredAt: number;
}

/** A client of ioredis that records what it sends, and in how many round trips. */
export class RecordingRedis extends Redis implements Disposable {
  #commands: RecordedCommand[] = [];
  #events = 0;

  static async connect(url: string): Promise<RecordingRedis> {
    const redis = new RecordingRedis(url, redisOptions());
    redis.on("error", () => undefined);
    await once(redis, "ready");
    redis.reset();
    return redis;
  }

  /** Each command's name, and the prefixes of the keys: `MGET pangea-access_token pangea-grant`. */
  get commands(): string[] {
    return this.#commands.map(({ text }) => text);
  }

  /** The longest row of commands each of which was sent after the answer to the one before it. */
  get roundTrips(): number {
    let roundTrips = 0;
    let answeredAt = -1;
    for (const command of this.#commands.toSorted((one, other) => one.answeredAt - other.answeredAt)) {
      if (command.sentAt < answeredAt) continue;
      roundTrips += 1;
      answeredAt = command.answeredAt;
    }
    return roundTrips;
  }

  reset(): void {
    this.#commands = [];
  }

  // biome-ignore lint/suspicious/noExplicitAny: it is the signature of ioredis.
  override sendCommand(command: Command, ...rest: any[]): unknown {
    const prefixes = command.getKeys().map((key) => String(key).split(":")[0]);
    const recorded = {
      text: [command.name.toUpperCase(), ...prefixes].join(" "),
      sentAt: this.#events++,
      answeredAt: Number.POSITIVE_INFINITY,
    };
    this.#commands.push(recorded);
    const answered = (): void => {
      recorded.answeredAt = this.#events++;
    };
    command.promise.then(answered, answered);
    return super.sendCommand(command, ...rest);
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }
}
