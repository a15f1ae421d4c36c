/** Log lines as the cores write them; the shell decides which of them go where. */
export interface Log {
  /** Whether debug lines go anywhere: who has many of them asks first. */
  readonly debugging: boolean;
  debug(text: string): void;
  info(text: string): void;
  /** Worth a look, but nothing is wrong. */
  notice(text: string): void;
  warn(text: string): void;
  error(text: string): void;
  /** A client has come, was refused, or has gone: a notice, which `connection_messages` turns off. */
  connection(text: string): void;
  /** A client has subscribed. */
  subscribe(text: string): void;
  /** A client has unsubscribed. */
  unsubscribe(text: string): void;
}
