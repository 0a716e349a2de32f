import { once } from "node:events";
import { Redis } from "ioredis";
import { redisOptions } from "../../src/storage/redis/redis-options.ts";

/** A command that went out. Commands and answers are numbered in one row, in the order in which they came. */
interface RecordedCommand {
  readonly text: string;
  readonly sentAs: number;
  answeredAs: number;
}

/** A client of ioredis that records what it sends, and in how many round trips. */
export class RecordingRedis extends Redis implements Disposable {
  #commands: RecordedCommand[] = [];
  #events = 0;

  static async connect(url: string): Promise<RecordingRedis> {
    const redis = new RecordingRedis(url, redisOptions());
    redis.on("error", () => undefined);
    await once(redis, "ready");
    redis.forget();
    return redis;
  }

  /** Each command's name, and the prefixes of the keys: `MGET pangea-access_token pangea-grant`. */
  get commands(): string[] {
    return this.#commands.map(({ text }) => text);
  }

  /** The longest row of commands each of which was sent after the answer to the one before it. */
  get roundTrips(): number {
    let roundTrips = 0;
    let answeredAs = -1;
    for (const command of this.#commands.toSorted((one, other) => one.answeredAs - other.answeredAs)) {
      if (command.sentAs < answeredAs) continue;
      roundTrips += 1;
      answeredAs = command.answeredAs;
    }
    return roundTrips;
  }

  /** Forgets what was sent so far. */
  forget(): void {
    this.#commands = [];
  }

  override sendCommand(...sent: Parameters<Redis["sendCommand"]>): unknown {
    const [command] = sent;
    const prefixes = command.getKeys().map((key) => String(key).split(":")[0]);
    const recorded = {
      text: [command.name.toUpperCase(), ...prefixes].join(" "),
      sentAs: this.#events++,
      answeredAs: Number.POSITIVE_INFINITY,
    };
    this.#commands.push(recorded);
    const answered = (): void => {
      recorded.answeredAs = this.#events++;
    };
    command.promise.then(answered, answered);
    return super.sendCommand(...sent);
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }
}
