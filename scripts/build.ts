/** Builds dist/: the program as one bundle with lazily loaded chunks, and the dashboard's page. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { buildPage } from "./build-page.ts";

const root = join(import.meta.dirname, "..");
const out = join(root, "dist");

rmSync(out, { recursive: true, force: true });
await build({
  entryPoints: { midge: join(root, "src/main.ts") },
  outdir: out,
  outExtension: { ".js": ".mjs" },
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minifySyntax: true,
  sourcemap: "linked",
  sourcesContent: false,
  legalComments: "none",
  // Holds the native code, which is not bundled.
  external: ["classic-level"],
  // CommonJS packages inside the bundle ask for Node's own modules by require.
  banner: {
    js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
  },
  logLevel: "warning",
});
const { gzipBytes } = await buildPage(join(out, "page"));
writeFileSync(join(out, ".built"), "");
process.stdout.write(`Built dist/ (page: ${(gzipBytes / 1024).toFixed(1)} kB gzip)\n`);
