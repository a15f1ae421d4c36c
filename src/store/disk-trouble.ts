/** What is wrong when a disk refuses: of errors by Node and by LevelDB, which tells them in words. */

interface CodedError {
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  readonly cause?: CodedError | undefined;
}

/** The disk is full, or takes nothing at all; what is on it may be whole. */
const REFUSED =
  /\b(?:ENOSPC|EROFS|EDQUOT|EFBIG|EIO|EMFILE|ENFILE)\b|no space left|read-only file system|quota exceeded|file too large|input\/output error|too many open files/i;
const DENIED = /\b(?:EACCES|EPERM)\b|permission denied|operation not permitted/i;

/** The innermost words of an error. */
export function rootMessage(error: unknown): string {
  const { cause, message } = error as CodedError;
  return cause?.message ?? message ?? String(error);
}

function wordsOf(error: unknown): string {
  const { code, cause } = error as CodedError;
  return `${code ?? ""} ${cause?.code ?? ""} ${rootMessage(error)}`;
}

/** Another process holds the store. */
export function isLocked(error: unknown): boolean {
  const { code, cause } = error as CodedError;
  return code === "LEVEL_LOCKED" || cause?.code === "LEVEL_LOCKED";
}

/** The disk refuses to be written; to try again later may help, to repair does not. */
export function isRefusal(error: unknown): boolean {
  return REFUSED.test(wordsOf(error));
}

/** The rights are missing. */
export function isDenial(error: unknown): boolean {
  return DENIED.test(wordsOf(error));
}
