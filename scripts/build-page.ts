/** Builds the dashboard's page: bundled, minified, named by content, compressed beforehand, within its budget. */
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const ROOT = join(import.meta.dirname, "..");
const SOURCE = join(ROOT, "src", "dashboard");

/** What the whole page may weigh on the way to a browser, bytes of gzip. */
const BUDGET = 60 * 1024;

interface PageFile {
  readonly name: string;
  readonly content: Uint8Array;
}

/** Writes the page into `outDir`, which is emptied first. Throws when the page is over its budget. */
export async function buildPage(outDir: string): Promise<{ gzipBytes: number }> {
  const files = await bundle();
  const index = await readFile(join(SOURCE, "index.html"), "utf8");
  files.push({ name: "index.html", content: new TextEncoder().encode(withNames(index, files)) });

  await rm(outDir, { recursive: true, force: true });
  await mkdir(outDir, { recursive: true });
  const sizes = await Promise.all(files.map((file) => writeCompressed(outDir, file)));
  const gzipBytes = sizes.reduce((sum, size) => sum + size, 0);
  if (gzipBytes > BUDGET) {
    const parts = files.map(({ name }, at) => `${name} ${sizes[at]}`).join(", ");
    throw new Error(
      `The page has ${gzipBytes} bytes of gzip, over its budget of ${BUDGET}: ${parts}.`,
    );
  }
  return { gzipBytes };
}

async function bundle(): Promise<PageFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      main: join(SOURCE, "main.tsx"),
      style: join(SOURCE, "style", "index.css"),
      icon: join(SOURCE, "icon.svg"),
    },
    entryNames: "[name]-[hash]",
    outdir: "page",
    loader: { ".svg": "copy" },
    bundle: true,
    minify: true,
    format: "esm",
    // Browsers of 2022 and later.
    target: ["es2022", "chrome100", "firefox100", "safari15.4"],
    jsx: "automatic",
    jsxImportSource: "preact",
    write: false,
    logLevel: "warning",
  });
  return outputFiles.map(({ path, contents }) => ({ name: basename(path), content: contents }));
}

/** Puts the names of the built files into the template. */
function withNames(template: string, files: readonly PageFile[]): string {
  const places = { "%SCRIPT%": ".js", "%STYLE%": ".css", "%ICON%": ".svg" };
  let page = template;
  for (const [place, suffix] of Object.entries(places)) {
    const name = files.find((file) => file.name.endsWith(suffix))?.name;
    if (name === undefined) throw new Error(`The build made no ${suffix} file.`);
    page = page.replace(place, `/${name}`);
  }
  return page;
}

/** Writes a file and its compressed forms beside it. Answers its size in gzip, bytes. */
async function writeCompressed(outDir: string, { name, content }: PageFile): Promise<number> {
  const gzip = gzipSync(content, { level: 9 });
  const brotli = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  await writeFile(join(outDir, name), content);
  await writeFile(join(outDir, `${name}.gz`), gzip);
  await writeFile(join(outDir, `${name}.br`), brotli);
  return gzip.length;
}
