/** Builds dist/: the program as one bundle with lazily loaded chunks, and the dashboard's page. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { buildPage } from "./build-page.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
// Beside the old one until it is whole, so that a build that fails takes nothing away.
const out = `${dist}.${process.pid}`;

try {
  await buildAll();
  rmSync(dist, { recursive: true, force: true });
  renameSync(out, dist);
} catch (error) {
  // esbuild has told what is wrong; anything else is told here.
  if (!(error as Error).message.startsWith("Build failed")) throw error;
  process.exitCode = 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}

async function buildAll(): Promise<void> {
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
    // Hold native code, which is not bundled.
    external: ["classic-level", "serialport"],
    // CommonJS packages inside the bundle ask for Node's own modules by require.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
  const { gzipBytes } = await buildPage(join(out, "page"));
  writeFileSync(join(out, ".built"), "");
  process.stdout.write(`Built dist/ (page: ${(gzipBytes / 1024).toFixed(1)} kB gzip)\n`);
}
