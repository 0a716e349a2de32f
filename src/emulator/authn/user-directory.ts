import { ConfigurationError } from "../../errors.ts";
import { defaultEmulatorPassword } from "./defaults.ts";
import { stableIdentifier } from "./stable-identifier.ts";
import type { EmulatorUser } from "./types.ts";

/** A user with everything that {@link EmulatorUser} may leave out. */
export type KnownUser = Required<EmulatorUser>;

const userIdPattern = /^pui_[a-z2-7]{32}$/;

/** The users who can sign in. */
export class UserDirectory {
  readonly #byUsername = new Map<string, KnownUser>();

  constructor(users: readonly EmulatorUser[]) {
    for (const user of users) {
      if (this.#byUsername.has(user.username)) {
        throw new ConfigurationError(`users: "${user.username}" appears twice; give every user a username of its own`);
      }
      this.set(user);
    }
  }

  /**
   * Adds a user or replaces the one with the same username.
   *
   * @throws ConfigurationError when the username is empty, the id has the wrong form or is another user's.
   */
  set(user: EmulatorUser): void {
    if (user.username === "") throw new ConfigurationError("users: give every user a username");
    const id = user.id ?? stableIdentifier("pui", user.username);
    if (!userIdPattern.test(id)) {
      throw new ConfigurationError(`users: the id of "${user.username}" must be pui_ and 32 characters of a-z2-7`);
    }
    const holder = this.byId(id);
    if (holder !== undefined && holder.username !== user.username) {
      throw new ConfigurationError(`users: "${user.username}" and "${holder.username}" have the same id`);
    }
    this.#byUsername.set(user.username, {
      id,
      username: user.username,
      email: user.email ?? (user.username.includes("@") ? user.username : `${user.username}@example.com`),
      password: user.password ?? defaultEmulatorPassword,
      profile: { ...user.profile },
      deny: user.deny ?? false,
    });
  }

  byId(id: string): KnownUser | undefined {
    for (const user of this.#byUsername.values()) if (user.id === id) return user;
    return undefined;
  }

  byUsername(username: string): KnownUser | undefined {
    return this.#byUsername.get(username);
  }

  /** The user with this username.
   *
   * @throws ConfigurationError when there is none.
   */
  require(username: string): KnownUser {
    const user = this.byUsername(username);
    if (user === undefined) throw new ConfigurationError(`The emulator has no user "${username}"; add it to users`);
    return user;
  }

  /** The user whom these credentials belong to, or undefined. */
  authenticate(username: string, password: string): KnownUser | undefined {
    const user = this.byUsername(username);
    return user?.password === password ? user : undefined;
  }
}
