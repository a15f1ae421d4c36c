/** Files that people write, as the cores ask for them. */
export type TextRead =
  | { readonly ok: true; readonly text: string; readonly warning?: string | undefined }
  | { readonly ok: false; readonly problem: string };

export interface TextFiles {
  /**
   * All of a file's text; `problem` and `warning` are said of the file: "there is no such file".
   * With `secret` it is worth a warning that others can read it, too.
   */
  read(path: string, secret: boolean): TextRead;
}
