import { ConfigurationError } from "../../errors.ts";
import { requireOptions, requireText, requireThat } from "../../option-checks.ts";
import { stableIdentifier } from "../identifiers.ts";
import { defaultEmulatorPassword } from "./defaults.ts";
import { type EmulatorUser, userKinds } from "./options.ts";

/** A user with everything that {@link EmulatorUser} may leave out. */
export type KnownUser = Required<EmulatorUser>;

const userIdPattern = /^pui_[a-z2-7]{32}$/;

/** The users who can sign in. */
export class UserDirectory {
  readonly #byUsername = new Map<string, KnownUser>();

  constructor(users: readonly EmulatorUser[]) {
    for (const user of users) {
      const isNew = !this.#byUsername.has(user.username);
      requireThat(isNew, `users: "${user.username}" appears twice; give every user a username of its own`);
      this.set(user);
    }
  }

  /**
   * Adds a user or replaces the one with the same username.
   *
   * @throws {ConfigurationError} when the username is empty, the id has the wrong form or is another user's.
   */
  set(user: EmulatorUser): void {
    requireOptions("the emulator", user ?? null, userKinds, "users[]");
    requireText("users[].username", user.username);
    const { username, id = stableIdentifier("pui", username), profile } = user;
    requireThat(userIdPattern.test(id), `users: the id of "${username}" must be pui_ and 32 characters of a-z2-7`);
    const holder = this.byId(id)?.username ?? username;
    requireThat(holder === username, `users: "${username}" and "${holder}" have the same id`);
    this.#byUsername.set(username, {
      email: username.includes("@") ? username : `${username}@example.com`,
      password: defaultEmulatorPassword,
      deny: false,
      ...user,
      id,
      profile: { ...profile },
    });
  }

  byId(id: string): KnownUser | undefined {
    return [...this.#byUsername.values()].find((user) => user.id === id);
  }

  /**
   * The user with this username.
   *
   * @throws {ConfigurationError} when there is none.
   */
  require(username: string): KnownUser {
    const user = this.#byUsername.get(username);
    if (user === undefined) throw new ConfigurationError(`The emulator has no user "${username}"; add it to users`);
    return user;
  }

  /** The user whom these credentials belong to, or undefined. */
  authenticate(username: string, password: string): KnownUser | undefined {
    const user = this.#byUsername.get(username);
    return user?.password === password ? user : undefined;
  }
}
