/** Root's rights are for opening ports and keys only: everything else is done as another user. */
import { spawnSync } from "node:child_process";

/** A user who cannot be, in words. */
export class UserError extends Error {
  readonly code = "MIDGE_USER_UNUSABLE";

  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "UserError";
  }
}

/** Node has it, its types do not. */
const { initgroups } = process as unknown as {
  readonly initgroups: (user: string, group: number) => void;
};

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

export class Privileges {
  readonly #account: Account | undefined;

  /**
   * Does nothing with `user` "" or "root", or where Midge was not started by root. Throws UserError
   * if there is no such user.
   */
  constructor(user: string) {
    const root = process.geteuid?.() === 0;
    this.#account = root && user !== "" && user !== "root" ? accountOf(user) : undefined;
  }

  /** Goes on as the user; `asRoot` can still go back. */
  lower(): void {
    if (this.#account === undefined) return;
    const { name, uid, gid } = this.#account;
    try {
      initgroups(name, gid);
      process.setegid?.(gid);
      process.seteuid?.(uid);
    } catch (error) {
      throw new UserError(`cannot go on as user ${name}: ${(error as Error).message}`, error);
    }
  }

  /** Does something with root's rights, as long as they are not dropped. */
  async asRoot<T>(action: () => Promise<T>): Promise<T> {
    if (this.#account === undefined) return action();
    process.seteuid?.(0);
    try {
      return await action();
    } finally {
      process.seteuid?.(this.#account.uid);
    }
  }

  /** Gives up root's rights for good. */
  drop(): void {
    if (this.#account === undefined) return;
    const { uid, gid } = this.#account;
    process.seteuid?.(0);
    process.setgid?.(gid);
    process.setuid?.(uid);
  }
}

/** Asks the system, which may know users from elsewhere than /etc/passwd. */
function accountOf(name: string): Account {
  const uid = ask("-u", name);
  const gid = ask("-g", name);
  if (uid === undefined || gid === undefined) {
    throw new UserError(`there is no user "${name}" on this machine (set by process.user)`);
  }
  return { name, uid, gid };
}

function ask(what: string, name: string): number | undefined {
  const { status, stdout } = spawnSync("id", [what, "--", name], { encoding: "utf8" });
  return status === 0 && /^\d+\n$/.test(stdout) ? Number(stdout) : undefined;
}
