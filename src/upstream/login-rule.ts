/** Under what user name and password a node is passed on. */
import { encodeUtf8 } from "../bytes/utf8.ts";
import { isPattern, matchesClientId, weightOf } from "../topics/client-id-pattern.ts";

export interface Login {
  readonly username?: string | undefined;
  readonly password?: Uint8Array | undefined;
}

/** The login of a ClientId on a link, whose name is empty if none is known. */
export type LoginRule = (clientId: string, link: string) => Login;

export interface NamedLogin {
  /** Or a pattern, in which `*` stands for any characters. */
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
}

/** In user names and passwords `%c` stands for the ClientId, `%l` for the link, `%%` for a percent sign; "" is none. */
export interface LoginRules {
  /** For all others than `nodes`. */
  readonly username: string;
  readonly password: string;
  readonly nodes: readonly NamedLogin[];
}

export function loginRule({ username, password, nodes }: LoginRules): LoginRule {
  const exact = new Map(nodes.map((login) => [login.clientId, login]));
  const patterns = nodes
    .filter(({ clientId }) => isPattern(clientId))
    .sort((one, other) => weightOf(other.clientId) - weightOf(one.clientId));
  const general = { username, password };
  return (clientId, link) => {
    const own = exact.get(clientId);
    const given = own ?? patterns.find((login) => matchesClientId(login.clientId, clientId));
    const login = given ?? general;
    const name = filledIn(login.username, clientId, link);
    const secret = filledIn(login.password, clientId, link);
    return {
      username: name === "" ? undefined : name,
      password: secret === "" ? undefined : encodeUtf8(secret),
    };
  };
}

function filledIn(template: string, clientId: string, link: string): string {
  return template.replace(/%([cl%])/g, (_, letter) =>
    letter === "c" ? clientId : letter === "l" ? link : "%",
  );
}
